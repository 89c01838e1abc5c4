import JobModel
import Testing

@testable import JobService

@Suite("Plans of schedules")
struct SchedulePlanTests {
  private func moment(_ text: String) throws -> Timestamp { try #require(RFC3339.timestamp(text)) }

  private func schedule(next: Timestamp?, zone: String = "UTC", paused: Bool = false) -> Schedule {
    Schedule(
      name: "a", cron: "0 * * * *", timeZone: zone, job: [], isPaused: paused, nextRunAt: next,
      now: Timestamp(microseconds: 1))
  }

  @Test(
    "a run counts as missed once it is more than a minute late",
    arguments: [
      (0, MissedRuns.skip, true), (60, .skip, true), (61, .skip, false), (61, .once, true), (86_400, .once, true),
    ])
  func decide(late: Int, policy: MissedRuns, isMade: Bool) {
    let due = Timestamp(microseconds: 1_800_000_000_000_000)
    let decision = SchedulePlan.decide(policy, due: due, now: due.advanced(by: .seconds(late)))
    #expect(decision == (isMade ? .submit : .skip))
  }

  @Test("a plan that holds, or that is due, is left alone")
  func holds() throws {
    let now = try moment("2027-01-15T12:30:00Z")
    #expect(SchedulePlan.replanned(schedule(next: try moment("2027-01-15T13:00:00Z")), now: now) == nil)
    #expect(SchedulePlan.replanned(schedule(next: try moment("2027-01-15T12:00:00Z")), now: now) == nil)
    #expect(SchedulePlan.replanned(schedule(next: nil, paused: true), now: now) == nil)
  }

  @Test("a plan from before the clock was set back, or without a time, is made anew")
  func anew() throws {
    let now = try moment("2027-01-15T12:30:00Z")
    let far = schedule(next: try moment("2031-01-01T00:00:00Z"))
    #expect(SchedulePlan.replanned(far, now: now)?.nextRunAt == (try moment("2027-01-15T13:00:00Z")))
    #expect(SchedulePlan.replanned(schedule(next: nil), now: now)?.nextRunAt == (try moment("2027-01-15T13:00:00Z")))
  }

  @Test("a clock that was set back over a run does not make it again")
  func notTwice() throws {
    let ran = schedule(next: try moment("2027-01-15T13:00:00Z")).ran(
      at: try moment("2027-01-15T13:00:00Z"), .refused(""), next: try moment("2027-01-15T14:00:00Z"))
    #expect(SchedulePlan.replanned(ran, now: try moment("2027-01-15T12:59:30Z")) == nil)
  }

  @Test("a schedule whose time zone is gone keeps the plan it has")
  func zoneGone() throws {
    let now = try moment("2027-01-15T12:30:00Z")
    let gone = schedule(next: try moment("2027-01-15T13:00:00Z"), zone: "Gone/Away")
    #expect(SchedulePlan.replanned(gone, now: now) == nil)
    #expect(throws: (any Error).self) { try SchedulePlan.next(gone, after: now) }
  }
}
