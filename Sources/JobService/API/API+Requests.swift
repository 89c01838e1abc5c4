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
    if let trace = TraceParent.read(head) { metadata["traceparent"] = "\(trace)" }
    log.info("request", metadata: metadata)
  }
}

/// The W3C's header for following a request through systems (https://www.w3.org/TR/trace-context/, section 3.2).
enum TraceParent {
  /// The header, if it is one that may be passed on; what is malformed is ignored, as the standard says.
  @LoopActor
  static func read(_ head: HTTPRequestHead) -> String? { head.header("traceparent").flatMap(checked) }

  /// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
  static func checked(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    guard bytes.count == 55, bytes[0] == zero, bytes[1] == zero else { return nil }
    for (place, byte) in bytes.enumerated() {
      let isDash = place == 2 || place == 35 || place == 52
      guard isDash ? byte == UInt8(ascii: "-") : isHexadecimal(byte) else { return nil }
    }
    // All zeros name nothing.
    guard bytes[3..<35].contains(where: { $0 != zero }), bytes[36..<52].contains(where: { $0 != zero }) else {
      return nil
    }
    return text
  }

  private static let zero = UInt8(ascii: "0")

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
