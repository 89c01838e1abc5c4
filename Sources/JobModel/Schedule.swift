/// A recurring job, as the store keeps it. When it is due follows from `cron` and `timeZone`, which this room cannot read.
public struct Schedule: Sendable, Equatable {
  public var name: String
  public var cron: String
  /// An IANA name.
  public var timeZone: String
  /// JSON text: a submit body, as it was sent.
  public var job: [UInt8]
  public var isPaused: Bool
  public var missed: MissedRuns
  /// `nil` while it is paused.
  public var nextRunAt: Timestamp?
  /// When the last job was due.
  public var lastRunAt: Timestamp?
  public var lastJob: JobID?
  /// Why the last run made no job; `nil` where it made one.
  public var lastError: String?
  public var createdAt: Timestamp
  /// When a client last wrote it.
  public var updatedAt: Timestamp
  /// Rises with every change, runs included.
  public var revision: Int

  public init(
    name: String, cron: String, timeZone: String, job: [UInt8], isPaused: Bool = false, missed: MissedRuns = .skip,
    nextRunAt: Timestamp?, now: Timestamp
  ) {
    self.name = name
    self.cron = cron
    self.timeZone = timeZone
    self.job = job
    self.isPaused = isPaused
    self.missed = missed
    self.nextRunAt = nextRunAt
    createdAt = now
    updatedAt = now
    revision = 1
  }

  /// What a client sees of a schedule is named by this: it differs from that of every other, one of the same name before
  /// it included.
  public var version: ScheduleVersion { ScheduleVersion(createdAt: createdAt, revision: revision) }

  /// This schedule, as a client wrote it, in the place of `old`. A run that is due at this very moment is not lost when
  /// something else than its times was changed.
  public func replacing(_ old: Schedule) -> Schedule {
    var new = self
    new.createdAt = old.createdAt
    new.lastRunAt = old.lastRunAt
    new.lastJob = old.lastJob
    new.revision = old.revision + 1
    if cron == old.cron, timeZone == old.timeZone, !isPaused, let next = old.nextRunAt { new.nextRunAt = next }
    return new
  }

  /// After the run that was due at `moment`.
  public func ran(at moment: Timestamp, _ outcome: ScheduleOutcome, next: Timestamp?) -> Schedule {
    var schedule = planned(next)
    switch outcome {
    case .submitted(let job):
      schedule.lastRunAt = moment
      schedule.lastJob = job
      schedule.lastError = nil
    case .refused(let reason):
      schedule.lastRunAt = moment
      schedule.lastError = reason
    case .overlapping:
      schedule.lastRunAt = moment
      schedule.lastError = "a job with the same unique_key had not ended"
    case .skipped: break
    }
    return schedule
  }

  /// With another time for its next run.
  public func planned(_ next: Timestamp?) -> Schedule {
    var schedule = self
    schedule.nextRunAt = next
    schedule.revision += 1
    return schedule
  }

  /// The moment after which the next run has to be, to be planned anew at `now`: not before the last one, where the clock
  /// was set back a little since. One that was set back further had been wrong before.
  public func planningStart(now: Timestamp) -> Timestamp {
    guard let lastRunAt, lastRunAt > now, now.duration(to: lastRunAt) <= Self.clockStepLimit else { return now }
    return lastRunAt
  }

  /// What Vixie's cron takes for a correction of the same time.
  static let clockStepLimit = Duration.seconds(3 * 3600)

  /// How late a run may be without counting as missed.
  public static let lateness = Duration.seconds(60)
}

public struct ScheduleVersion: Sendable, Equatable {
  public var createdAt: Timestamp
  public var revision: Int

  public init(createdAt: Timestamp, revision: Int) {
    self.createdAt = createdAt
    self.revision = revision
  }
}

/// What becomes of runs that were due while no server could make them.
public enum MissedRuns: String, Sendable, CaseIterable {
  /// Only future ones count.
  case skip
  /// One job, however many were missed.
  case once
}

/// What came of a run.
public enum ScheduleOutcome: Sendable, Equatable {
  case submitted(JobID)
  /// It made no job, for this reason.
  case refused(String)
  /// It made no job, because the job of another run, with the same unique key, had not ended.
  case overlapping
  /// It was missed, and is not made up for.
  case skipped
}
