import JobModel

/// Recurring jobs. As with jobs, what a writing verb did is durable when the call returns.
public protocol ScheduleStore: Sendable {
  /// Makes the schedule, or replaces the one of its name (see ``Schedule/replacing(_:)``), if the condition holds.
  ///
  /// - Parameter limit: a new one is refused where there are so many already.
  func putSchedule(
    _ schedule: Schedule, if condition: ScheduleCondition, limit: Int
  ) async throws(StoreError) -> SchedulePut

  func deleteSchedule(_ name: String, if condition: ScheduleCondition) async throws(StoreError) -> ScheduleDeletion

  /// Writes what becomes of a schedule that was read before, and inserts the job with it, or does neither: where the schedule
  /// was changed or deleted since, or has run. So no run is ever made twice, whoever sees it due, and none is lost to a
  /// crash between the two.
  func advanceSchedule(_ known: Schedule, _ step: ScheduleStep) async throws(StoreError) -> ScheduleAdvance

  func schedule(_ name: String) async throws(StoreError) -> Schedule?

  /// By name, those behind `after`, at most `limit`.
  func schedules(after: String?, limit: Int) async throws(StoreError) -> [Schedule]

  /// Those whose time has come, the earliest first.
  func dueSchedules(now: Timestamp, limit: Int) async throws(StoreError) -> [Schedule]

  /// When the next one is due.
  func nextScheduledRun() async throws(StoreError) -> Timestamp?
}

/// What must hold of the schedule that is there, if there is one.
public enum ScheduleCondition: Sendable, Equatable {
  case none
  case mustNotExist
  case mustExist
  case mustBe([ScheduleVersion])
  case mustNotBe([ScheduleVersion])

  /// - Parameter present: what is there.
  public func holds(for present: Schedule?) -> Bool {
    switch self {
    case .none: true
    case .mustNotExist: present == nil
    case .mustExist: present != nil
    case .mustBe(let versions): present.map { versions.contains($0.version) } ?? false
    case .mustNotBe(let versions): present.map { !versions.contains($0.version) } ?? true
    }
  }
}

public enum SchedulePut: Sendable, Equatable {
  case created(Schedule)
  case replaced(Schedule)
  case conditionFailed
  case tooMany
}

public enum ScheduleDeletion: Sendable, Equatable {
  case deleted
  case conditionFailed
  case unknown
}

/// What a schedule becomes.
public enum ScheduleStep: Sendable, Equatable {
  case advance(to: Schedule)
  /// With this job; where its `uniqueKey` is that of one that has not ended, without it and as `otherwise` says.
  case submit(Job, to: Schedule, otherwise: Schedule)
}

public enum ScheduleAdvance: Sendable, Equatable {
  /// Written, and this job with it, as it is in the store.
  case written(Job?)
  /// Nothing was written: it is not the schedule that was known any more.
  case changedMeanwhile
}
