import JobModel
import StrictJSON

extension JobDocument {
  /// `null` where the job has no callback URL. Before anything was tried it is `pending`, and due once the job has ended.
  static func writeCallback(of job: Job, into writer: inout JSONWriter) {
    guard let url = job.callbackURL else { return writer.null() }
    let delivery = job.callback ?? CallbackDelivery(nextAttemptAt: job.state.isFinal ? job.finishedAt : nil)
    writer.beginObject()
    writer.field("url", url)
    writer.field("state", delivery.state.rawValue)
    writer.field("attempts", delivery.attempts)
    writer.field("last_status", delivery.lastStatus)
    writer.field("last_error", delivery.lastError)
    writer.field("next_attempt_at", delivery.nextAttemptAt)
    writer.endObject()
  }
}
