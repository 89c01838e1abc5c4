import JobModel
import StrictJSON

/// What a callback sends, as the Standard Webhooks specification has it (https://www.standardwebhooks.com):
///
/// ```json
/// {"type": "job.succeeded", "timestamp": "2026-11-22T09:41:24.217Z", "data": {…the job…}}
/// ```
///
/// Every attempt sends the same bytes under the same `webhook-id`, so that a receiver can tell a repetition.
struct CallbackMessage: Sendable {
  let id: String
  let body: [UInt8]
  private let trace: TraceContext?

  /// Larger arguments are `null` here: they are the receiver's own, or are at the job's address.
  static let argsLimitBytes = 64 * 1024

  /// - Parameter job: has ended.
  init(_ job: Job) {
    precondition(job.state.isFinal, "a callback tells of a job's end")
    id = "msg_\(job.id)-\(job.revision)"
    trace = job.trace
    var told = job
    // What became of the callback itself differs from attempt to attempt.
    told.callback = nil
    if told.input.args.count > Self.argsLimitBytes { told.input = .json(Array("null".utf8)) }
    var writer = JSONWriter(reservingBytes: 2048)
    writer.beginObject()
    writer.field("type", "job.\(job.state.rawValue)")
    writer.field("timestamp", job.finishedAt)
    writer.key("data")
    JobDocument.write(told, into: &writer)
    writer.endObject()
    body = writer.bytes
  }

  /// Those of one attempt: each is a request of its own in the job's trace.
  ///
  /// - Parameter secret: `nil`: it is not signed.
  func headers(now: Timestamp, secret: [UInt8]?) -> [String: String] {
    let timestamp = String(now.microseconds / 1_000_000)
    var headers = trace?.fields() ?? [:]
    headers["Content-Type"] = "application/json"
    headers["webhook-id"] = id
    headers["webhook-timestamp"] = timestamp
    if let secret {
      headers["webhook-signature"] = CallbackSignature.text(id: id, timestamp: timestamp, body: body, secret: secret)
    }
    return headers
  }
}
