/// One job, as the store keeps it.
public struct Job: Sendable, Equatable {
  public var id: JobID
  public var handler: String
  public var queue: String
  public var executor: Executor
  public var state: JobState
  public var priority: Int
  public var input: JobInput
  /// 0 before the first attempt.
  public var attempt: Int
  public var maxAttempts: Int
  /// Attempts that ended because their machine, server or acceptor went away; they do not count against `maxAttempts`.
  public var lostCount: Int
  /// Attempts that a server which stopped in order gave back to the line; they do not count either, and have no limit.
  public var handedBackCount: Int
  /// Of an attempt; ``longestTimeout`` at the most.
  public var timeout: Duration?
  /// JSON text of an object, as it was sent.
  public var metadata: [UInt8]
  /// While a job with it is not finished, no second one is made.
  public var uniqueKey: String?
  /// Of the jobs with one key only so many run at once (`key` in the contract).
  public var concurrencyKey: String?
  /// Where its end is announced, an http or https URL.
  public var callbackURL: String?
  /// What became of that; `nil` as long as nothing was tried. The store keeps it beside the job.
  public var callback: CallbackDelivery?
  /// The batch it belongs to.
  public var batch: BatchPlace?
  /// Name of the schedule that made it.
  public var schedule: String?
  /// The trace that its submit belongs to.
  public var trace: TraceContext?
  public var progress: JobProgress?
  public var result: JobResult?
  /// Of the last attempt.
  public var error: JobError?
  public var createdAt: Timestamp
  /// When it was, or will be, due: `run_at`, the end of `delay`, or of a retry's back-off.
  public var scheduledAt: Timestamp?
  /// When it last entered the line.
  public var queuedAt: Timestamp
  public var startedAt: Timestamp?
  public var finishedAt: Timestamp?
  public var expiresAt: Timestamp?
  public var runBy: RunBy?
  /// The acceptor process whose attempt is running.
  public var owner: OwnerID?
  public var usage: JobUsage?
  /// Asked to stop while running.
  public var cancelRequested: Bool
  /// The attempts before the present or last one, oldest first.
  public var pastAttempts: [PastAttempt]
  /// Rises with every change; the job's `ETag` is made of it.
  public var revision: Int

  /// What a submit may ask for and the configuration may say.
  public static let longestTimeout = Duration.seconds(365 * 86_400)

  public init(
    id: JobID, handler: String, queue: String = "default", executor: Executor, state: JobState, priority: Int = 0,
    input: JobInput, maxAttempts: Int = 1, timeout: Duration? = nil, metadata: [UInt8] = Array("{}".utf8),
    createdAt: Timestamp, scheduledAt: Timestamp? = nil
  ) {
    self.id = id
    self.handler = handler
    self.queue = queue
    self.executor = executor
    self.state = state
    self.priority = priority
    self.input = input
    self.attempt = 0
    self.maxAttempts = maxAttempts
    self.lostCount = 0
    self.handedBackCount = 0
    self.timeout = timeout
    self.metadata = metadata
    self.createdAt = createdAt
    self.scheduledAt = scheduledAt
    self.queuedAt = createdAt
    self.cancelRequested = false
    self.pastAttempts = []
    self.revision = 1
  }
}

/// What a job's handler works on.
public enum JobInput: Sendable, Equatable {
  /// JSON text, as it was sent: the `args`.
  case json([UInt8])
  /// A request body of any media type, small enough to stand in the row. `args` is JSON text, `{}` where none were sent.
  case body([UInt8], mediaType: String, args: [UInt8])
  /// A request body in a file of the store's spool folder, by name.
  case file(name: String, byteCount: Int, mediaType: String, args: [UInt8])

  /// The JSON text that the job shows as its `args`.
  public var args: [UInt8] {
    switch self {
    case .json(let text): text
    case .body(_, _, let args), .file(_, _, _, let args): args
    }
  }
}

/// A job's place in its batch.
public struct BatchPlace: Sendable, Hashable {
  public var batch: JobID
  /// Of its input among the batch's inputs, from 0.
  public var index: Int

  public init(batch: JobID, index: Int) {
    self.batch = batch
    self.index = index
  }
}

/// How far a job says it is.
public struct JobProgress: Sendable, Equatable {
  public var completed: Int
  public var total: Int?
  public var message: String?

  public init(completed: Int, total: Int?, message: String? = nil) {
    self.completed = completed
    self.total = total
    self.message = message
  }
}

/// An attempt that another followed.
public struct PastAttempt: Sendable, Equatable {
  public var attempt: Int
  public var startedAt: Timestamp?
  public var finishedAt: Timestamp?
  public var runBy: RunBy?
  public var usage: JobUsage?
  public var error: JobError?

  public init(
    attempt: Int, startedAt: Timestamp?, finishedAt: Timestamp?, runBy: RunBy?, usage: JobUsage?, error: JobError?
  ) {
    self.attempt = attempt
    self.startedAt = startedAt
    self.finishedAt = finishedAt
    self.runBy = runBy
    self.usage = usage
    self.error = error
  }
}

/// Names one life of one acceptor process: a restarted acceptor gets another. Never 0.
public struct OwnerID: Hashable, Sendable {
  public let number: Int64
  public init(number: Int64) { self.number = number }

  public static func random() -> OwnerID { OwnerID(number: .random(in: 1 ... .max)) }
}
