import JobModel

extension SQLiteJobStore {
  public func putSchedule(
    _ schedule: Schedule, if condition: ScheduleCondition, limit: Int
  ) async throws(StoreError) -> SchedulePut {
    try await writer.write("put schedule") { (session) throws(SQLiteFailure) in
      try session.putSchedule(schedule, if: condition, limit: limit)
    }
  }

  public func deleteSchedule(
    _ name: String, if condition: ScheduleCondition
  ) async throws(StoreError) -> ScheduleDeletion {
    try await writer.write("delete schedule") { (session) throws(SQLiteFailure) in
      try session.deleteSchedule(name, if: condition)
    }
  }

  public func advanceSchedule(_ known: Schedule, _ step: ScheduleStep) async throws(StoreError) -> ScheduleAdvance {
    try await writer.write("advance schedule") { (session) throws(SQLiteFailure) in
      try session.advanceSchedule(known, step)
    }
  }

  public func schedule(_ name: String) async throws(StoreError) -> Schedule? {
    try await lookups.read("read schedule") { (session) throws(SQLiteFailure) in try session.schedule(name) }
  }

  public func schedules(after name: String?, limit: Int) async throws(StoreError) -> [Schedule] {
    try await lists.read("list schedules") { (session) throws(SQLiteFailure) in
      try session.schedules(after: name, limit: limit)
    }
  }

  public func dueSchedules(now: Timestamp, limit: Int) async throws(StoreError) -> [Schedule] {
    try await lookups.read("find due schedules") { (session) throws(SQLiteFailure) in
      try session.dueSchedules(now: now, limit: limit)
    }
  }

  public func nextScheduledRun() async throws(StoreError) -> Timestamp? {
    try await lookups.read("next scheduled run") { (session) throws(SQLiteFailure) in try session.nextScheduledRun() }
  }
}
