import JobModel
import StrictJSON

/// A job as clients see it: the JSON of the contract's section "A job".
enum JobDocument {
  static func bytes(_ job: Job) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: 1024)
    write(job, into: &writer)
    return writer.bytes
  }

  static func write(_ job: Job, into writer: inout JSONWriter) {
    let path = path(job.id)
    writer.beginObject()
    writer.key("id")
    writer.string(job.id.description)
    writer.key("handler")
    writer.string(job.handler)
    writer.key("queue")
    writer.string(job.queue)
    writer.key("state")
    writer.string(job.state.rawValue)
    writer.key("done")
    writer.bool(job.state.isFinal)
    writer.key("priority")
    writer.int(job.priority)
    writer.key("args")
    writer.raw(job.input.args)
    writer.key("attempt")
    writer.int(job.attempt)
    writer.key("max_attempts")
    writer.int(job.maxAttempts)
    writer.key("progress")
    write(job.progress, into: &writer)
    writeResult(job.result, into: &writer)
    writer.key("error")
    if let error = job.error { write(error, into: &writer) } else { writer.null() }
    writer.key("created_at")
    write(job.createdAt, into: &writer)
    writer.key("scheduled_at")
    write(job.scheduledAt, into: &writer)
    writer.key("started_at")
    write(job.startedAt, into: &writer)
    writer.key("finished_at")
    write(job.finishedAt, into: &writer)
    writer.key("expires_at")
    write(job.expiresAt, into: &writer)
    writer.key("run_by")
    write(job.runBy, into: &writer)
    writer.key("usage")
    write(job.usage, into: &writer)
    writer.key("attempts")
    writeAttempts(job, into: &writer)
    writer.key("metadata")
    writer.raw(job.metadata)
    writer.key("links")
    writer.beginObject()
    writer.key("self")
    writer.string(path)
    writer.key("result")
    writer.string(path + "/result")
    writer.key("log")
    writer.string(path + "/log")
    writer.key("cancel")
    writer.string(path + "/cancel")
    writer.endObject()
    writer.endObject()
  }

  static func path(_ id: JobID) -> String { "/v1/jobs/\(id)" }

  static func write(_ error: JobError, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("type")
    writer.string(error.kind.rawValue)
    writer.key("message")
    writer.string(error.message)
    writer.key("signal")
    if let signal = error.signal { writer.string(signal) } else { writer.null() }
    writer.key("exit_status")
    if let status = error.exitStatus { writer.int(status) } else { writer.null() }
    writer.key("backtrace")
    if let backtrace = error.backtrace { writer.string(backtrace) } else { writer.null() }
    writer.key("attempt")
    writer.int(error.attempt)
    writer.endObject()
  }

  private static func writeResult(_ result: JobResult?, into writer: inout JSONWriter) {
    writer.key("result")
    if let result, MediaType.isJSON(result.mediaType), case .bytes(let bytes) = result.body {
      writer.raw(bytes)
    } else {
      writer.null()
    }
    writer.key("result_type")
    if let result { writer.string(result.mediaType) } else { writer.null() }
    writer.key("result_bytes")
    if let result { writer.int(result.byteCount) } else { writer.null() }
  }

  private static func write(_ progress: JobProgress?, into writer: inout JSONWriter) {
    guard let progress else { return writer.null() }
    writer.beginObject()
    writer.key("completed")
    writer.int(progress.completed)
    writer.key("total")
    if let total = progress.total { writer.int(total) } else { writer.null() }
    writer.key("message")
    if let message = progress.message { writer.string(message) } else { writer.null() }
    writer.endObject()
  }

  static func write(_ moment: Timestamp?, into writer: inout JSONWriter) {
    guard let moment else { return writer.null() }
    writer.string(RFC3339.text(moment))
  }

  private static func write(_ runBy: RunBy?, into writer: inout JSONWriter) {
    guard let runBy else { return writer.null() }
    writer.beginObject()
    writer.key("node")
    writer.string(runBy.node)
    writer.key("acceptor")
    writer.int(runBy.acceptor)
    writer.key("pid")
    if runBy.pid > 0 { writer.int(runBy.pid) } else { writer.null() }
    writer.endObject()
  }

  private static func write(_ usage: JobUsage?, into writer: inout JSONWriter) {
    guard let usage else { return writer.null() }
    writer.beginObject()
    writer.key("queued_ms")
    writer.double(milliseconds(usage.queued))
    writer.key("wall_ms")
    writer.double(milliseconds(usage.wall))
    writer.key("cpu_ms")
    if let cpu = usage.cpu { writer.double(milliseconds(cpu)) } else { writer.null() }
    writer.key("max_rss_bytes")
    if let bytes = usage.maxResidentBytes { writer.int(bytes) } else { writer.null() }
    writer.endObject()
  }

  /// Microseconds are kept: thousandths of a millisecond.
  private static func milliseconds(_ duration: Duration) -> Double { Double(duration.microsecondsClamped) / 1000 }

  /// Every attempt so far; the present or last one is the job itself.
  private static func writeAttempts(_ job: Job, into writer: inout JSONWriter) {
    writer.beginArray()
    for past in job.pastAttempts { write(past, into: &writer) }
    if job.attempt > (job.pastAttempts.last?.attempt ?? 0) {
      write(
        PastAttempt(
          attempt: job.attempt, startedAt: job.startedAt, finishedAt: job.finishedAt, runBy: job.runBy,
          usage: job.usage, error: job.error), into: &writer)
    }
    writer.endArray()
  }

  private static func write(_ attempt: PastAttempt, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("attempt")
    writer.int(attempt.attempt)
    writer.key("started_at")
    write(attempt.startedAt, into: &writer)
    writer.key("finished_at")
    write(attempt.finishedAt, into: &writer)
    writer.key("run_by")
    write(attempt.runBy, into: &writer)
    writer.key("usage")
    write(attempt.usage, into: &writer)
    writer.key("error")
    if let error = attempt.error { write(error, into: &writer) } else { writer.null() }
    writer.endObject()
  }
}
