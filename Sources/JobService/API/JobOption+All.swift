import JobModel

/// The options of a submit: one declaration each, for the JSON body, the query, and `/openapi.json`.
extension JobOption {
  static let all: [JobOption] = [
    .integer("priority", JobOptions.priorities, "Higher goes first; 0 without it.") { $0.priority = $1 },
    .text("run_at", .string(format: "date-time"), "When it may start, RFC 3339. Not beside `delay`.") {
      options, text throws(Refusal) in
      guard let moment = RFC3339.timestamp(text) else { throw Refusal("must be \(RFC3339.expectation)") }
      options.runAt = moment
    },
    .text("delay", .duration, "How long it waits before it may start, 10 years at the most. Not beside `run_at`.") {
      options, text throws(Refusal) in
      let delay = try duration(text)
      guard delay <= JobOptions.longestDelay else { throw Refusal("must be at most 10 years") }
      options.delay = delay
    },
    .text("timeout", .duration, "How long an attempt may take, 30 days at the most.") { options, text throws(Refusal) in
      let timeout = try duration(text)
      guard timeout > .zero, timeout <= JobOptions.longestTimeout else {
        throw Refusal("must be more than 0 and at most 30d")
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
    .unsupported("queue"), .unsupported("unique_key"), .unsupported("key"), .unsupported("callback_url"),
  ]

  private static func duration(_ text: String) throws(Refusal) -> Duration {
    guard let duration = DurationText.duration(text) else { throw Refusal("must be \(DurationText.expectation)") }
    return duration
  }
}

extension Schema {
  /// As ``DurationText`` reads it.
  static let duration = Schema.string(pattern: #"[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h|d)"#)
}
