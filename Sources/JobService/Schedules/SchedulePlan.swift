import Cron
import JobModel

/// When a schedule is due, and what is done about it. Pure but for a look into the tz database.
enum SchedulePlan {
  /// The first run after a moment; `nil` where there is none within the expression's horizon.
  ///
  /// - Throws: where the schedule's text cannot be read, which was checked when it was written: its time zone may be gone
  ///   from the system since.
  static func next(_ schedule: Schedule, after moment: Timestamp) throws(CronError) -> Timestamp? {
    try CronExpression(schedule.cron).next(after: moment, in: TimeZoneRules.named(schedule.timeZone))
  }

  enum Decision: Equatable {
    case submit
    case skip
  }

  /// What to do about a run that was due at `due`. One that is noticed more than a minute late was missed: there was no
  /// server, or the clock was set forward.
  static func decide(_ missed: MissedRuns, due: Timestamp, now: Timestamp) -> Decision {
    due.duration(to: now) <= Schedule.lateness || missed == .once ? .submit : .skip
  }

  /// The schedule as it should be planned at `now`; `nil`: it is.
  ///
  /// A plan goes wrong when the clock is set back (its next run is then too far away) or when the tz database changes. What
  /// is due already is left to the run.
  static func replanned(_ schedule: Schedule, now: Timestamp) -> Schedule? {
    if schedule.isPaused { return nil }
    if let next = schedule.nextRunAt, next <= now { return nil }
    let planned: Timestamp?
    do throws(CronError) {
      planned = try next(schedule, after: schedule.planningStart(now: now))
    } catch {
      // The plan that there is, if there is one, is the best that is known.
      return nil
    }
    return planned == schedule.nextRunAt ? nil : schedule.planned(planned)
  }
}
