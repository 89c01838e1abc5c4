import EventLoop
import HTTPServer
import JobModel
import Logging

/// What is kept of each request: counts, times, and a line in the access log where one is wanted.
extension API {
  /// Called once for each request, before its answer is sent.
  func note(_ head: HTTPRequestHead, _ resource: Int, status: Int) {
    let seat = dispatcher.identity.seat
    let nanoseconds = MonotonicClock.now &- head.began
    memory.counters.addRequest(resource, status: status, seat: seat)
    memory.measurements.requests(resource).record(nanoseconds / 1000, seat: seat)
    if context.logsRequests { logRequest(head, status: status, nanoseconds: nanoseconds) }
  }

  /// The query is left out: there may be arguments in it that are nobody's business.
  private func logRequest(_ head: HTTPRequestHead, status: Int, nanoseconds: UInt64) {
    var metadata: Logger.Metadata = [
      "method": "\(head.method.name)", "path": "\(String(decoding: head.pathBytes, as: UTF8.self))",
      "status": "\(status)", "milliseconds": "\(Double(nanoseconds / 1000) / 1000)",
    ]
    if let client = head.client { metadata["client"] = "\(client)" }
    if let trace = TraceContext(head) { metadata["traceparent"] = "\(trace.parent)" }
    log.info("request", metadata: metadata)
  }
}

extension TraceContext {
  /// The trace that a request belongs to; what is malformed is ignored, as the standard says (Trace Context, section 4.3).
  @LoopActor
  init?(_ head: HTTPRequestHead) {
    // As lists: a second `traceparent` makes both worthless, and `tracestate` may come in several fields.
    guard head.header("traceparent") != nil, let parent = head.headerList("traceparent") else { return nil }
    self.init(parent: parent, state: head.headerList("tracestate"))
  }
}
