import GRDB
import JobModel

/// The statements that read schedules.
struct ScheduleQueries {
  let byName: PreparedStatement
  let page: PreparedStatement
  let due: PreparedStatement
  let nextDue: PreparedStatement

  init(_ database: Database) throws {
    func prepared(_ rest: String) throws -> PreparedStatement {
      try PreparedStatement(database, "SELECT \(ScheduleColumns.list) FROM schedule \(rest)")
    }
    byName = try prepared("WHERE name = ?1")
    page = try prepared("WHERE name > ?1 ORDER BY name LIMIT ?2")
    due = try prepared(
      "INDEXED BY schedule_due WHERE next_run_at IS NOT NULL AND next_run_at <= ?1 ORDER BY next_run_at LIMIT ?2")
    nextDue = try PreparedStatement(
      database, "SELECT min(next_run_at) FROM schedule INDEXED BY schedule_due WHERE next_run_at IS NOT NULL")
  }
}

extension ReadSession {
  func schedule(_ name: String) throws(SQLiteFailure) -> Schedule? {
    schedules.byName.bind(1, name)
    return try schedules.byName.firstRow { row throws(SQLiteFailure) in try row.schedule() }
  }

  /// Names are not empty, so every one is behind the empty text.
  func schedules(after name: String?, limit: Int) throws(SQLiteFailure) -> [Schedule] {
    schedules.page.bind(1, name ?? "")
    schedules.page.bind(2, max(limit, 0))
    return try collect(schedules.page)
  }

  func dueSchedules(now: Timestamp, limit: Int) throws(SQLiteFailure) -> [Schedule] {
    schedules.due.bind(1, now.microseconds)
    schedules.due.bind(2, max(limit, 0))
    return try collect(schedules.due)
  }

  func nextScheduledRun() throws(SQLiteFailure) -> Timestamp? {
    let microseconds = try schedules.nextDue.firstRow { row in row.optionalInt64(0) } ?? nil
    return microseconds.map { Timestamp(microseconds: $0) }
  }

  private func collect(_ query: PreparedStatement) throws(SQLiteFailure) -> [Schedule] {
    var found: [Schedule] = []
    try query.forEachRow { row throws(SQLiteFailure) in found.append(try row.schedule()) }
    return found
  }
}
