import JobModel
import Testing

@Suite struct ScheduleTests {
  private let start = Timestamp(microseconds: 1_800_000_000_000_000)
  private func after(_ seconds: Int) -> Timestamp { start.advanced(by: .seconds(seconds)) }

  private func schedule(_ cron: String = "0 3 * * *", next: Timestamp?, now: Timestamp? = nil) -> Schedule {
    Schedule(
      name: "a", cron: cron, timeZone: "UTC", job: [], isPaused: next == nil, nextRunAt: next, now: now ?? start)
  }

  @Test("a schedule that is replaced keeps its birth and its past, and gets another version")
  func replacing() {
    var old = schedule(next: after(60))
    old.lastRunAt = after(-60)
    old.lastJob = JobID(high: 1, low: 2)
    old.lastError = "no"
    let new = schedule("0 4 * * *", next: after(90), now: after(10)).replacing(old)
    #expect(new.createdAt == start && new.updatedAt == after(10) && new.revision == 2 && new.version != old.version)
    #expect(new.lastRunAt == old.lastRunAt && new.lastJob == old.lastJob && new.lastError == nil)
    #expect(new.nextRunAt == after(90))
  }

  @Test("a run that is due while the schedule is written is not lost, unless its times are others")
  func dueMeanwhile() {
    let old = schedule(next: after(5))
    #expect(schedule(next: after(86_405), now: after(6)).replacing(old).nextRunAt == after(5))
    #expect(schedule("0 4 * * *", next: after(90), now: after(6)).replacing(old).nextRunAt == after(90))
    #expect(schedule(next: nil, now: after(6)).replacing(old).nextRunAt == nil)
    #expect(schedule(next: after(90), now: after(6)).replacing(schedule(next: nil)).nextRunAt == after(90))
  }

  @Test("a run leaves its job or its refusal, and one that was skipped nothing")
  func ran() {
    let job = JobID(high: 1, low: 2)
    let first = schedule(next: after(0)).ran(at: after(0), .refused("full"), next: after(60))
    #expect(first.lastError == "full" && first.lastJob == nil && first.lastRunAt == after(0))
    let second = first.ran(at: after(60), .submitted(job), next: after(120))
    #expect(second.lastError == nil && second.lastJob == job && second.lastRunAt == after(60) && second.revision == 3)
    let third = second.ran(at: after(120), .skipped, next: after(180))
    #expect(third.lastRunAt == after(60) && third.lastJob == job && third.nextRunAt == after(180))
  }

  @Test("a clock that was set back a little makes no run twice, and one that was far ahead loses none")
  func planning() {
    let ran = schedule(next: after(0)).ran(at: after(0), .refused(""), next: after(3600))
    #expect(ran.planningStart(now: after(100)) == after(100))
    #expect(ran.planningStart(now: after(-100)) == after(0))
    #expect(ran.planningStart(now: after(-3 * 3600)) == after(0))
    #expect(ran.planningStart(now: after(-3 * 3600 - 1)) == after(-3 * 3600 - 1))
    #expect(schedule(next: after(60)).planningStart(now: after(-100)) == after(-100))
  }
}
