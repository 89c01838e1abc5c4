// How an attempt ended, as data.

/// The outcome of one attempt.
public enum JobOutcome: Sendable, Equatable {
  case succeeded(JobResult)
  case failed(JobError)
  case cancelled(JobError)
}

/// What a handler returned.
public struct JobResult: Sendable, Equatable {
  public enum Body: Sendable, Equatable {
    case bytes([UInt8])
    /// A file of the store's spool folder, by name.
    case file(name: String)
  }
  public let mediaType: String
  public let byteCount: Int
  public let body: Body

  public init(mediaType: String, byteCount: Int, body: Body) {
    self.mediaType = mediaType
    self.byteCount = byteCount
    self.body = body
  }

  /// The largest JSON result that stands in the job itself.
  public static let inlineLimitBytes = 64 * 1024
}

/// Why an attempt failed. Its JSON form is the contract's `error`.
public struct JobError: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case handlerError = "handler_error"
    case crashed
    case timedOut = "timed_out"
    case memoryExceeded = "memory_exceeded"
    case invalidArgs = "invalid_args"
    case invalidResult = "invalid_result"
    case lost
    case cancelled
  }
  public var kind: Kind
  public var message: String
  /// The signal's name, such as `SIGSEGV`.
  public var signal: String?
  public var exitStatus: Int?
  public var backtrace: String?
  public var attempt: Int

  public init(
    _ kind: Kind, _ message: String, attempt: Int, signal: String? = nil, exitStatus: Int? = nil,
    backtrace: String? = nil
  ) {
    self.kind = kind
    self.message = message
    self.attempt = attempt
    self.signal = signal
    self.exitStatus = exitStatus
    self.backtrace = backtrace
  }
}

/// What an attempt cost.
public struct JobUsage: Sendable, Equatable {
  public var queued: Duration
  public var wall: Duration
  /// `nil` where it cannot be told apart from the acceptor's own (executors `task` and `thread`).
  public var cpu: Duration?
  public var maxResidentBytes: Int?

  public init(queued: Duration, wall: Duration, cpu: Duration?, maxResidentBytes: Int?) {
    self.queued = queued
    self.wall = wall
    self.cpu = cpu
    self.maxResidentBytes = maxResidentBytes
  }
}

/// Which process ran an attempt.
public struct RunBy: Sendable, Equatable {
  public var node: String
  public var acceptor: Int
  /// The worker's pid, or the acceptor's where it ran the job itself; 0 until it is known.
  public var pid: Int32

  public init(node: String, acceptor: Int, pid: Int32) {
    self.node = node
    self.acceptor = acceptor
    self.pid = pid
  }
}
