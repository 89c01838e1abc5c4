import JobModel

extension Schemas {
  static let ofSchedules: [(name: String, schema: Schema)] = [
    ("Schedule", schedule), ("SchedulePage", schedulePage), ("SchedulePut", schedulePut),
  ]

  private static let cron = Schema.string(length: 1...256).described(
    "Minute, hour, day of the month, month, day of the week; or `@hourly` and its like.")
  private static let timeZone = Schema.string(length: 1...64).described("An IANA name, such as Europe/Paris.")
  private static let missed = Schema.string(oneOf: MissedRuns.allCases.map(\.rawValue)).described(
    "What becomes of runs that no server was there to make.")

  private static let schedule = Schema.object([
    .init("name", .string(pattern: ScheduleDocument.namePattern)), .init("cron", cron), .init("time_zone", timeZone),
    .init("job", .map(of: .any).described("As it was sent.")), .init("paused", .boolean), .init("missed", missed),
    .init("next_run_at", time.orNull), .init("last_run_at", time.orNull), .init("last_job", id.orNull),
    .init("last_error", .string.orNull.described("Why the last run made no job.")),
    .init("created_at", time), .init("updated_at", time),
    .init("links", .object([.init("self", path), .init("last_job", path.orNull)])),
  ])

  private static let schedulePage = Schema.object([
    .init("schedules", .array(of: .reference("Schedule"))),
    .init("next_cursor", .string.orNull.described("Of the next page, where there is one.")),
  ])

  private static let schedulePut = Schema.object([
    .init("cron", cron), .optional("time_zone", timeZone.orNull.described("UTC without it.")),
    .init("job", .reference("Submit").described("Without `run_at`; at most 64 KiB.")),
    .optional("paused", Schema.boolean.orNull), .optional("missed", missed.orNull.described("`skip` without it.")),
  ])
}
