import JobModel

/// How a schedule stands in its row.
enum ScheduleColumns {
  static let list = """
    name, cron, time_zone, paused, missed, next_run_at, last_run_at, last_job, last_error, created_at, updated_at, \
    revision, job
    """
  static let parameters = (1...13).map { "?\($0)" }.joined(separator: ", ")
}

extension PreparedStatement {
  /// Binds the parameters 1…13 in the columns' order.
  func bind(_ schedule: Schedule) {
    bind(1, schedule.name)
    bind(2, schedule.cron)
    bind(3, schedule.timeZone)
    bind(4, schedule.isPaused)
    bind(5, schedule.missed == .once)
    bind(6, schedule.nextRunAt?.microseconds)
    bind(7, schedule.lastRunAt?.microseconds)
    if let job = schedule.lastJob { bind(8, job) } else { bindNull(8) }
    bind(9, schedule.lastError)
    bind(10, schedule.createdAt.microseconds)
    bind(11, schedule.updatedAt.microseconds)
    bind(12, schedule.revision)
    bind(13, schedule.job)
  }

  /// A row selected as `ScheduleColumns.list`.
  func schedule() throws(SQLiteFailure) -> Schedule {
    func timestamp(_ column: Int32) -> Timestamp? { optionalInt64(column).map { Timestamp(microseconds: $0) } }
    var schedule = Schedule(
      name: text(0), cron: text(1), timeZone: text(2), job: bytes(12), isPaused: int(3) != 0,
      missed: int(4) == 0 ? .skip : .once, nextRunAt: timestamp(5), now: Timestamp(microseconds: int64(9)))
    schedule.lastRunAt = timestamp(6)
    schedule.lastJob = isNull(7) ? nil : try jobID(7)
    schedule.lastError = optionalText(8)
    schedule.updatedAt = Timestamp(microseconds: int64(10))
    schedule.revision = int(11)
    return schedule
  }
}
