import GRDB
import JobModel

/// The statements that change schedules.
struct ScheduleStatements {
  let byName: PreparedStatement
  let count: PreparedStatement
  let put: PreparedStatement
  let remove: PreparedStatement

  init(_ database: Database) throws {
    byName = try PreparedStatement(database, "SELECT \(ScheduleColumns.list) FROM schedule WHERE name = ?1")
    count = try PreparedStatement(database, "SELECT count(*) FROM schedule")
    put = try PreparedStatement(
      database, "INSERT OR REPLACE INTO schedule (\(ScheduleColumns.list)) VALUES (\(ScheduleColumns.parameters))")
    remove = try PreparedStatement(database, "DELETE FROM schedule WHERE name = ?1")
  }
}

extension WriteSession {
  func putSchedule(
    _ schedule: Schedule, if condition: ScheduleCondition, limit: Int
  ) throws(SQLiteFailure) -> SchedulePut {
    let present = try self.schedule(named: schedule.name)
    guard condition.holds(for: present) else { return .conditionFailed }
    if let present {
      let replaced = schedule.replacing(present)
      try write(replaced)
      return .replaced(replaced)
    }
    let count = try schedules.count.firstRow { row in row.int(0) } ?? 0
    guard count < limit else { return .tooMany }
    try write(schedule)
    return .created(schedule)
  }

  func deleteSchedule(_ name: String, if condition: ScheduleCondition) throws(SQLiteFailure) -> ScheduleDeletion {
    let present = try schedule(named: name)
    guard condition.holds(for: present) else { return .conditionFailed }
    guard present != nil else { return .unknown }
    schedules.remove.bind(1, name)
    try schedules.remove.run()
    return .deleted
  }

  func advanceSchedule(_ known: Schedule, _ step: ScheduleStep) throws(SQLiteFailure) -> ScheduleAdvance {
    guard let present = try schedule(named: known.name), present.version == known.version,
      present.nextRunAt == known.nextRunAt
    else { return .changedMeanwhile }
    return try atomically { () throws(SQLiteFailure) in
      switch step {
      case .advance(let next):
        try write(next, after: known)
        return .written(nil)
      case .submit(let job, let next, let otherwise):
        guard case .stored(let stored) = try submit(job, for: nil) else {
          try write(otherwise, after: known)
          return .written(nil)
        }
        try write(next, after: known)
        return .written(stored)
      }
    }
  }

  private func schedule(named name: String) throws(SQLiteFailure) -> Schedule? {
    schedules.byName.bind(1, name)
    return try schedules.byName.firstRow { row throws(SQLiteFailure) in try row.schedule() }
  }

  private func write(_ next: Schedule, after known: Schedule) throws(SQLiteFailure) {
    precondition(known.name == next.name && next.revision > known.revision, "a schedule advances to a later self")
    try write(next)
  }

  private func write(_ schedule: Schedule) throws(SQLiteFailure) {
    schedules.put.bind(schedule)
    try schedules.put.run()
  }
}
