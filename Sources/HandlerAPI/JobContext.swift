import JobModel

/// What a running handler knows of its job, and can tell about it.
public struct JobContext: Sendable {
  public let id: JobID
  /// Counted from 1.
  public let attempt: Int
  /// When the job is killed; `nil`: it has no limit.
  public let deadline: Timestamp?
  /// The W3C trace context that the job was submitted with (`traceparent`), to be passed on to whatever the handler calls.
  public let traceParent: String?
  private let channel: any JobContextChannel

  public init(
    id: JobID, attempt: Int, deadline: Timestamp?, traceParent: String? = nil, channel: any JobContextChannel
  ) {
    self.id = id
    self.attempt = attempt
    self.deadline = deadline
    self.traceParent = traceParent
    self.channel = channel
  }

  /// Says how far the job is. Cheap: call it as often as is natural; what is shown is updated a few times a second.
  public func progress(_ completed: Int, of total: Int? = nil, _ message: String? = nil) {
    channel.report(JobProgress(completed: completed, total: total, message: message))
  }

  /// Appends a line to the job's log. (In a worker process whatever is printed lands there too.)
  public func log(_ line: String) { channel.log(line) }

  /// Whether the job was asked to stop. A handler that computes for long looks now and then and returns or throws; one
  /// that does not is killed a moment later if it runs in a worker process.
  public var isCancelled: Bool { channel.isCancelled }

  /// Throws `CancellationError` if the job was asked to stop.
  public func checkCancellation() throws {
    if isCancelled { throw CancellationError() }
  }
}

/// How a context reaches whoever runs the job; implemented once for each executor.
public protocol JobContextChannel: Sendable {
  func report(_ progress: JobProgress)
  func log(_ line: String)
  var isCancelled: Bool { get }
}
