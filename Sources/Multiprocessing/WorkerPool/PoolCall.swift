import EventLoop

/// What a pool is asked to run.
public struct PoolCall: Sendable {
  /// Name of a ``WorkerFunction``.
  public var function: String
  /// Its number in the pool's program, for who has looked it up already.
  var functionNumber: Int?
  /// A few bytes for the function, beside its argument; at most ``longestHeader``.
  public var header: [UInt8]
  public var argument: Payload
  /// Open files of values in the argument (a shared value's memory, a pipe's end), which the function gets as files of its
  /// own; at most ``mostFiles``.
  public var files: [SharedFile]
  /// Wall time from the moment a worker has the call; then the worker is killed. `nil`: no limit.
  public var timeout: Duration?
  /// Memory the call may take, beyond what its worker was born with. `nil`: no limit.
  public var memoryLimitBytes: UInt64?
  /// User and system time the call may take, of all its worker's threads but not of processes it starts. Looked at every
  /// ``WorkerPool/cpuSampling``. `nil`: no limit.
  public var cpuTimeLimit: Duration?
  /// A worker that is busy with such calls may be sent this one already, so that it goes on without a pause. It has not
  /// started then (its time does not run), and is given to another worker if that has nothing to do, or if its own dies
  /// or is killed first. For many short calls; only calls with a small argument, no files, no limit of memory or CPU
  /// time and no ``CallEvents/onOutput`` are sent ahead. What such calls print goes to ``WorkerPool/onStrayOutput``.
  public var mayBeSentAhead: Bool
  /// Whether ``FinishedCall/usage`` tells CPU time and memory. Looking costs about as much as half a no-op call.
  public var measuresUsage: Bool
  /// Means nothing to the pool; shown in its list of workers.
  public var tag: [UInt8]

  /// Most bytes in a header, in a value's meta bytes, in a progress report and in a thrown error.
  public static let longestHeader = 64 * 1024
  /// Most files beside a payload; the kernel takes 253 with one message (unix(7), SCM_RIGHTS).
  public static let mostFiles = 16

  public init(
    _ function: String, header: [UInt8] = [], argument: Payload = .none, files: [SharedFile] = [],
    timeout: Duration? = nil, memoryLimitBytes: UInt64? = nil, cpuTimeLimit: Duration? = nil,
    mayBeSentAhead: Bool = false, measuresUsage: Bool = true, tag: [UInt8] = []
  ) {
    precondition(header.count <= Self.longestHeader, "a call's header is longer than a header may be")
    precondition(files.count <= Self.mostFiles, "a call has more files than a call may have")
    self.function = function
    self.header = header
    self.argument = argument
    self.files = files
    self.timeout = timeout
    self.memoryLimitBytes = memoryLimitBytes
    self.cpuTimeLimit = cpuTimeLimit
    self.mayBeSentAhead = mayBeSentAhead
    self.measuresUsage = measuresUsage
    self.tag = tag
  }
}

/// What a caller hears while its call runs. Called on the loop, never after the call's end.
public struct CallEvents {
  /// A worker has the call: its pid. Once more if that worker died before it looked, and another took over.
  public var onStarted: (@LoopActor (Int32) -> Void)?
  public var onProgress: (@LoopActor ([UInt8]) -> Void)?
  /// What the function, or a library it uses, wrote to standard output or error, in pieces as they came. All of it comes
  /// before the call's end. The pool keeps none of it: bound what you keep.
  public var onOutput: (@LoopActor (UnsafeRawBufferPointer) -> Void)?

  public init(
    onStarted: (@LoopActor (Int32) -> Void)? = nil, onProgress: (@LoopActor ([UInt8]) -> Void)? = nil,
    onOutput: (@LoopActor (UnsafeRawBufferPointer) -> Void)? = nil
  ) {
    self.onStarted = onStarted
    self.onProgress = onProgress
    self.onOutput = onOutput
  }
}

/// Why a pool did not take a call.
public enum PoolRefusal: Error, Sendable, Equatable {
  case unknownFunction(String)
  /// All workers are busy, and as many calls wait as may.
  case full
  /// The pool drains, or was terminated.
  case closed
  /// Its nursery died: no worker can be forked any more. See ``WorkerPool/onForkServerTrouble``.
  case noForkServer
  /// The argument could not be made ready to send (no memory file, no descriptor left).
  case unsendable(MultiprocessingError)
}

/// Names a call that was taken, to cancel it.
public struct CallHandle: Sendable, Hashable {
  let number: UInt64
}
