import JobModel

/// The documents that the server writes. Every member is always there: what is absent is `null`.
enum Schemas {
  static let all: [(name: String, schema: Schema)] =
    [
      ("Job", job), ("JobPage", jobPage), ("JobError", jobError), ("Progress", progress), ("RunBy", runBy),
      ("Usage", usage), ("Attempt", attempt), ("Event", event), ("Problem", problem), ("Handler", handler),
      ("Service", service), ("Queue", queue), ("QueuePage", queuePage), ("Explanation", explanation),
      ("Callback", callback), ("Processes", processes), ("Acceptor", acceptor), ("Worker", worker),
    ] + ofSchedules + ofBatches

  static let id = Schema.string(format: "uuid")
  static let time = Schema.string(format: "date-time")
  private static let pid = Schema.integer(1...)
  private static let bytes = Schema.integer(0...)
  static let path = Schema.string(format: "uri-reference")
  private static let state = Schema.string(oneOf: JobState.allCases.map(\.rawValue))

  // MARK: - Jobs

  private static let job = Schema.object([
    .init("id", id), .init("handler", .string), .init("queue", .string), .init("state", state),
    .init("done", .boolean.described("The state is final: succeeded, failed or cancelled.")),
    .init("priority", .integer(JobOptions.priorities)),
    .init("args", .any.described("As they were sent.")),
    .init("attempt", .integer(0...).described("0 before the first.")),
    .init("max_attempts", .integer(1...)),
    .init("progress", .reference("Progress").orNull),
    .init("result", .any.described("The result where it is JSON of at most 64 KiB, as the handler gave it.")),
    .init("result_type", .string.orNull), .init("result_bytes", bytes.orNull),
    .init("error", .reference("JobError").orNull),
    .init("created_at", time), .init("scheduled_at", time.orNull), .init("started_at", time.orNull),
    .init("finished_at", time.orNull), .init("expires_at", time.orNull),
    .init("run_by", .reference("RunBy").orNull), .init("usage", .reference("Usage").orNull),
    .init("attempts", .array(of: .reference("Attempt"))),
    .init("metadata", .map(of: .any).described("As it was sent.")),
    .init("batch", id.orNull.described("The batch it belongs to.")),
    .init("schedule", .string.orNull.described("The schedule that made it.")),
    .init("traceparent", .string.orNull.described("The trace that it was submitted in, as its header said.")),
    .init("callback", .reference("Callback").orNull),
    .init("links", .object(["self", "result", "log", "events", "cancel"].map { .init($0, path) })),
  ])

  private static let jobPage = Schema.object([
    .init("jobs", .array(of: .reference("Job"))),
    .init("next_cursor", .string.orNull.described("Of the next page, where there is one.")),
  ])

  private static let jobError = Schema.object([
    .init("type", .string(oneOf: JobError.Kind.allCases.map(\.rawValue))),
    .init("message", .string),
    .init("signal", .string.orNull.described("Such as SIGSEGV.")),
    .init("exit_status", Schema.integer(0...255).orNull),
    .init("backtrace", .string.orNull),
    .init("attempt", .integer(0...)),
  ])

  private static let progress = Schema.object([
    .init("completed", .anyInteger), .init("total", Schema.anyInteger.orNull),
    .init("message", .string.orNull),
  ])

  private static let runBy = Schema.object([
    .init("node", .string), .init("acceptor", .integer(0...)), .init("pid", pid.orNull),
  ])

  private static let usage = Schema.object([
    .init("queued_ms", .number(from: 0)), .init("wall_ms", .number(from: 0)),
    .init("cpu_ms", Schema.number(from: 0).orNull), .init("max_rss_bytes", bytes.orNull),
  ])

  private static let attempt = Schema.object([
    .init("attempt", .integer(1...)), .init("started_at", time.orNull), .init("finished_at", time.orNull),
    .init("run_by", .reference("RunBy").orNull), .init("usage", .reference("Usage").orNull),
    .init("error", .reference("JobError").orNull),
  ])

  private static let event: Schema = {
    let stateChange = Schema.object([
      .init("id", id), .init("state", state), .init("done", .boolean), .init("attempt", .integer(0...)),
    ])
    let report = Schema.object([
      .init("id", id), .init("completed", .anyInteger), .init("total", Schema.anyInteger.orNull),
      .init("message", .string.orNull),
    ])
    return .object([
      .init("event", .string(oneOf: ["state", "progress", "missed"])),
      .init("data", .json(.any(of: [stateChange, report, .object([])]))),
      .optional("id", .string.described("To resume from: `Last-Event-ID`.")), .optional("retry", .anyInteger),
    ])
  }()
  private static let queue = Schema.object([
    .init("name", .string(pattern: QueueName.pattern)), .init("paused", .boolean),
    .init("depth", .integer(0...).described("Jobs in line.")),
    .init("scheduled", .integer(0...).described("Jobs that wait for their time.")), .init("running", .integer(0...)),
    .init("oldest_queued_at", time.orNull),
    .init("oldest_waiting_ms", Schema.number(from: 0).orNull.described("How long the first of those in line waits.")),
    .init("links", .object(["self", "jobs", "pause", "resume"].map { .init($0, path) })),
  ])

  private static let queuePage = Schema.object([
    .init("queues", .array(of: .reference("Queue"))),
    .init("next_cursor", .string.orNull.described("Of the next page, where there is one.")),
  ])

  private static let explanation = Schema.object([
    .init("state", state), .init("reason", .string(oneOf: Explanation.Reason.allCases.map(\.rawValue))),
    .init("position", Schema.integer(1...).orNull.described("1 is next; `null` where it has none, or one too far.")),
    .init("detail", .string),
    .init("estimated_start_at", time.orNull.described("From recent run times; `null` where they say nothing.")),
  ])

  private static let callback = Schema.object([
    .init("url", .string(format: "uri")),
    .init("state", .string(oneOf: CallbackDelivery.State.allCases.map(\.rawValue))),
    .init("attempts", .integer(0...)), .init("last_status", Schema.integer(100...999).orNull),
    .init("last_error", .string.orNull), .init("next_attempt_at", time.orNull),
  ])

  // MARK: - Errors

  private static let problem = Schema.object([
    .init("type", path), .init("title", .string), .init("status", .integer(400...599)),
    .optional("detail", .string),
    .optional(
      "errors",
      .array(
        of: .object([
          .init("pointer", .string.described("A JSON pointer (RFC 6901) into the request.")), .init("detail", .string),
        ])
      ).described("What is wrong with an input, each with its place.")),
    .optional("line", .integer(1...).described("Where a text stops being JSON.")),
    .optional("column", .integer(1...)),
    .optional("job_error", .reference("JobError").described("Why the job failed.")),
  ])

  // MARK: - The server

  private static let handler = Schema.object([
    .init("name", .string), .init("summary", .string),
    .init("executor", .string(oneOf: Executor.allCases.map(\.rawValue))),
    .init("accepts_body", .boolean.described("A request body of any media type may be its input.")),
    .init("timeout", .string.orNull), .init("max_attempts", .integer(1...)),
    .init("memory_limit_bytes", bytes.orNull),
    .init("key_limit", Schema.integer(1...).orNull.described("Jobs with one `key` that run at once.")),
    .init("input_schema", Schema.map(of: .any).orNull.described("JSON Schema of its `args`.")),
  ])

  private static let service = Schema.object([
    .init("service", .string), .init("version", .string), .init("node", .string),
    .init("store", .object([.init("kind", .string), .init("durability", .string)])),
    .init("limits", .map(of: .integer(0...))),
    .init(
      "jobs",
      .object([
        .init("scheduled", .integer(0...)), .init("queued", .integer(0...)), .init("running", .integer(0...)),
        .init("oldest_queued_at", time.orNull), .init("succeeded_total", .integer(0...)),
        .init("failed_total", .integer(0...)), .init("cancelled_total", .integer(0...)),
      ])),
    .init("started_at", time), .init("uptime_seconds", .integer(0...)),
  ])

  private static func role(_ name: String) -> Schema.Property { .init("role", .string(oneOf: [name])) }

  private static let processes = Schema.object([
    role("master"), .init("pid", pid), .init("started_at", time), .init("rss_bytes", bytes.orNull),
    .init("acceptors", .array(of: .reference("Acceptor"))),
  ])

  private static let acceptor = Schema.object([
    role("acceptor"), .init("index", .integer(0...)), .init("pid", .integer(0...)), .init("state", .string),
    .init("generation", .integer(0...)), .init("restarts", .integer(0...)), .init("started_at", time),
    .init("rss_bytes", bytes.orNull), .init("connections", .integer(0...)), .init("tasks_running", .integer(0...)),
    .init("threads_running", .integer(0...)),
    .init(
      "fork_server",
      Schema.object([
        role("fork_server"), .init("pid", pid), .init("restarts", .integer(0...)), .init("rss_bytes", bytes.orNull),
      ]).orNull),
    .init("workers", .array(of: .reference("Worker"))),
  ])

  private static let worker = Schema.object([
    role("worker"), .init("pid", pid), .init("state", .string(oneOf: ["idle", "busy"])), .init("job", id.orNull),
    .init("jobs_done", .integer(0...)), .init("rss_bytes", bytes.orNull),
  ])
}
