import JobModel

/// What a running handler knows of its job, and can tell about it.
public struct JobContext: Sendable {
  public let id: JobID
  /// Counted from 1.
  public let attempt: Int
  /// When the job is killed; `nil`: it has no limit.
  public let deadline: Timestamp?
  /// The trace that the job was submitted in (W3C Trace Context); `nil`: in none.
  public let trace: TraceContext?
  /// The header `traceparent` of that submit. What the handler itself sends wants another one: see ``traceFields()``.
  public var traceParent: String? { trace?.parent }
  private let channel: any JobContextChannel

  public init(
    id: JobID, attempt: Int, deadline: Timestamp?, trace: TraceContext? = nil, channel: any JobContextChannel
  ) {
    self.id = id
    self.attempt = attempt
    self.deadline = deadline
    self.trace = trace
    self.channel = channel
  }

  /// The header fields `traceparent` and `tracestate` for one request that the handler makes, so that it belongs to the
  /// job's trace. Each call makes a parent-id of its own; empty where there is no trace.
  ///
  ///     for (name, value) in context.traceFields() { request.setValue(value, forHTTPHeaderField: name) }
  public func traceFields() -> [String: String] { trace?.fields() ?? [:] }

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
