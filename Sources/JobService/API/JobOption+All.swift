import JobModel
import OutgoingHTTP

/// The options of a submit: one declaration each, for the JSON body, the query, and `/openapi.json`.
extension JobOption {
  static let all: [JobOption] = [
    .integer("priority", JobOptions.priorities, "Higher goes first; 0 without it.") { $0.priority = $1 },
    .text("run_at", .string(format: "date-time"), "When it may start, RFC 3339. Not beside `delay`.") {
      options, text throws(Refusal) in
      guard let moment = RFC3339.timestamp(text) else { throw Refusal("must be \(RFC3339.expectation)") }
      options.runAt = moment
    },
    .text(
      "delay", .duration(upTo: JobOptions.longestDelaySeconds, mayBeZero: true),
      "How long it waits before it may start, 10 years at the most. Not beside `run_at`."
    ) { options, text throws(Refusal) in
      let delay = try duration(text)
      guard delay <= .seconds(JobOptions.longestDelaySeconds) else { throw Refusal("must be at most 10 years") }
      options.delay = delay
    },
    .text(
      "timeout", .duration(upTo: JobOptions.longestTimeoutSeconds, mayBeZero: false),
      "How long an attempt may take, 365 days at the most."
    ) { options, text throws(Refusal) in
      let timeout = try duration(text)
      guard timeout > .zero, timeout <= Job.longestTimeout else {
        throw Refusal("must be more than 0 and at most 365d")
      }
      options.timeout = timeout
    },
    .integer("max_attempts", JobOptions.attempts, "Attempts it has; as many as the handler says without it.") {
      $0.maxAttempts = $1
    },
    .object(
      "metadata", limitBytes: JobOptions.metadataLimitBytes, "Anything; comes back with the job as it was sent."
    ) {
      $0.metadata = $1
    },
    .text("queue", .string(pattern: QueueName.pattern), "The queue it waits in; `default` without it.") {
      options, text throws(Refusal) in
      guard QueueName.isOne(text) else { throw Refusal("must be \(QueueName.expectation)") }
      options.queue = text
    },
    .text(
      "unique_key", keySchema,
      "While a job with it has not ended, that job is the answer, and no second one is made."
    ) { options, text throws(Refusal) in options.uniqueKey = try key(text) },
    .text(
      "key", keySchema,
      "Of the jobs with one key no more run at once than the handler's `key_limit` says."
    ) { options, text throws(Refusal) in options.concurrencyKey = try key(text) },
    .text(
      "callback_url", .string(format: "uri"),
      "An http or https URL that is told, by a POST, when the job has ended."
    ) { options, text throws(Refusal) in
      guard text.utf8.count <= JobOptions.urlLimitBytes else {
        throw Refusal("must be at most \(JobOptions.urlLimitBytes) bytes")
      }
      if let problem = FetchURL.problem(text) { throw Refusal(problem) }
      options.callbackURL = text
    },
  ]

  /// No NUL: a query could not carry it.
  private static let keySchema = Schema.string(length: JobOptions.keyLength).with("pattern", #""^[^\\u0000]*$""#)

  private static func key(_ text: String) throws(Refusal) -> String {
    let length = JobOptions.keyLength
    guard length.contains(text.unicodeScalars.count) else {
      throw Refusal("must have from \(length.lowerBound) to \(length.upperBound) characters")
    }
    guard !text.utf8.contains(0) else { throw Refusal("must not contain U+0000") }
    return text
  }

  private static func duration(_ text: String) throws(Refusal) -> Duration {
    guard let duration = DurationText.duration(text) else { throw Refusal("must be \(DurationText.expectation)") }
    return duration
  }
}
