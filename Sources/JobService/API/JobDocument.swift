import JobModel
import StrictJSON

/// A job as clients see it: the JSON of the contract's section "A job".
enum JobDocument {
  static func bytes(_ job: Job) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: 1280 + job.input.args.count + job.metadata.count)
    write(job, into: &writer)
    return writer.bytes
  }

  static func write(_ job: Job, into writer: inout JSONWriter) {
    let id = job.id.description
    writer.beginObject()
    writer.field("id", id)
    writer.field("handler", job.handler)
    writer.field("queue", job.queue)
    writer.field("state", job.state.rawValue)
    writer.field("done", job.state.isFinal)
    writer.field("priority", job.priority)
    writer.field("args", raw: job.input.args)
    writer.field("attempt", job.attempt)
    writer.field("max_attempts", job.maxAttempts)
    writer.key("progress")
    write(job.progress, into: &writer)
    writeResult(job.result, into: &writer)
    writer.key("error")
    if let error = job.error { write(error, into: &writer) } else { writer.null() }
    writer.field("created_at", job.createdAt)
    writer.field("scheduled_at", job.scheduledAt)
    writer.field("started_at", job.startedAt)
    writer.field("finished_at", job.finishedAt)
    writer.field("expires_at", job.expiresAt)
    writer.key("run_by")
    write(job.runBy, into: &writer)
    writer.key("usage")
    write(job.usage, into: &writer)
    writer.key("attempts")
    writeAttempts(job, into: &writer)
    writer.field("metadata", raw: job.metadata)
    writer.field("batch", job.batch?.batch.description)
    writer.field("schedule", job.schedule)
    writer.field("traceparent", job.trace?.parent)
    writer.key("callback")
    writeCallback(of: job, into: &writer)
    writer.key("links")
    writer.raw(links(id))
    writer.endObject()
  }

  static func path(_ id: JobID) -> String { "/v1/jobs/" + id.description }

  /// The links as JSON. They are in every reply and differ by the id alone, so they are not put together as strings.
  private static func links(_ id: String) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(384)
    func add(_ text: StaticString) {
      bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    func add(_ key: StaticString, _ ending: StaticString) {
      add(key)
      add("\":\"/v1/jobs/")
      bytes.append(contentsOf: id.utf8)
      add(ending)
    }
    add("{\"self", "\"")
    add(",\"result", "/result\"")
    add(",\"log", "/log\"")
    add(",\"events", "/events\"")
    add(",\"cancel", "/cancel\"}")
    return bytes
  }

  static func write(_ error: JobError, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("type", error.kind.rawValue)
    writer.field("message", error.message)
    writer.field("signal", error.signal)
    writer.field("exit_status", error.exitStatus)
    writer.field("backtrace", error.backtrace)
    writer.field("attempt", error.attempt)
    writer.endObject()
  }

  private static func writeResult(_ result: JobResult?, into writer: inout JSONWriter) {
    writer.key("result")
    if let result, MediaType.isJSON(result.mediaType), case .bytes(let bytes) = result.body {
      writer.raw(bytes)
    } else {
      writer.null()
    }
    writer.field("result_type", result?.mediaType)
    writer.field("result_bytes", result?.byteCount)
  }

  private static func write(_ progress: JobProgress?, into writer: inout JSONWriter) {
    guard let progress else { return writer.null() }
    writer.beginObject()
    writer.field("completed", progress.completed)
    writer.field("total", progress.total)
    writer.field("message", progress.message)
    writer.endObject()
  }

  private static func write(_ runBy: RunBy?, into writer: inout JSONWriter) {
    guard let runBy else { return writer.null() }
    writer.beginObject()
    writer.field("node", runBy.node)
    writer.field("acceptor", runBy.acceptor)
    writer.field("pid", runBy.pid > 0 ? runBy.pid : nil)
    writer.endObject()
  }

  private static func write(_ usage: JobUsage?, into writer: inout JSONWriter) {
    guard let usage else { return writer.null() }
    writer.beginObject()
    writer.field("queued_ms", milliseconds: usage.queued)
    writer.field("wall_ms", milliseconds: usage.wall)
    writer.field("cpu_ms", milliseconds: usage.cpu)
    writer.field("max_rss_bytes", usage.maxResidentBytes)
    writer.endObject()
  }

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
    writer.field("attempt", attempt.attempt)
    writer.field("started_at", attempt.startedAt)
    writer.field("finished_at", attempt.finishedAt)
    writer.key("run_by")
    write(attempt.runBy, into: &writer)
    writer.key("usage")
    write(attempt.usage, into: &writer)
    writer.key("error")
    if let error = attempt.error { write(error, into: &writer) } else { writer.null() }
    writer.endObject()
  }
}
