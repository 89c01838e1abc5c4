/// How a call ended.
public enum CallOutcome: Sendable {
  case returned(Payload, meta: [UInt8])
  /// The function threw: ``WorkerFailure``'s bytes, or the error's description.
  case threw([UInt8])
  /// The call never began: the pool's initializer threw in its worker (``WorkerFailure``'s bytes, or the error's
  /// description). It is tried again before the worker's next call.
  case unprepared([UInt8])
  /// The worker died under the call.
  case crashed(Crash)
  case timedOut
  case memoryExceeded
  case cpuTimeExceeded
  /// As asked. Whatever the function was doing has stopped, unless it never started.
  case cancelled
  /// Neither the call's fault nor its caller's: the fork server died, or the pool was terminated.
  case lost(String)
}

/// How a worker died.
public struct Crash: Sendable, Equatable {
  /// The signal that ended it; `nil`: it left by exit(3).
  public var signal: Int32?
  public var exitStatus: Int32?
  /// What Swift's crash handler wrote, at most 64 KiB, after the program's own last words (`Fatal error: …`) where there are any;
  /// `nil`: it wrote none.
  public var backtrace: String?

  public init(signal: Int32?, exitStatus: Int32?, backtrace: String?) {
    self.signal = signal
    self.exitStatus = exitStatus
    self.backtrace = backtrace
  }
}

/// What a call cost.
public struct CallUsage: Sendable, Equatable {
  /// From the moment its worker was given it.
  public var wall: Duration
  /// User and system time, with that of processes the function started and waited for.
  public var cpu: Duration
  /// The most its worker had resident while it ran, with what all workers share.
  public var peakMemoryBytes: UInt64

  public static let none = CallUsage(wall: .zero, cpu: .zero, peakMemoryBytes: 0)

  public init(wall: Duration, cpu: Duration, peakMemoryBytes: UInt64) {
    self.wall = wall
    self.cpu = cpu
    self.peakMemoryBytes = peakMemoryBytes
  }
}

/// A call's end.
public struct FinishedCall: Sendable {
  public var outcome: CallOutcome
  /// Open files of values in what was returned.
  public var files: [SharedFile]
  public var usage: CallUsage
  /// The worker that had it last; `nil`: it never started.
  public var workerPID: Int32?

  public init(outcome: CallOutcome, files: [SharedFile] = [], usage: CallUsage, workerPID: Int32?) {
    self.outcome = outcome
    self.files = files
    self.usage = usage
    self.workerPID = workerPID
  }
}
