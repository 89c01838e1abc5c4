import JobModel
import Testing

@testable import JobService

@Suite("The order of events")
struct EventOrderTests {
  private func event(_ job: UInt64, _ revision: Int, _ state: JobState) -> JobEvent {
    JobEvent(
      id: JobID(high: job << 16 | 0x7000, low: 0x8000_0000_0000_0000), revision: revision, .state(state, attempt: 1))
  }

  @Test("a state that is told after a later one is no news; what is told again, and of other jobs, is")
  func late() {
    var order = EventOrder()
    let posted = [
      event(1, 2, .running), event(1, 1, .queued), event(2, 1, .queued), event(1, 2, .running), event(1, 3, .succeeded),
      event(1, 2, .running),
    ]
    #expect(posted.map { order.isNews($0) } == [true, false, true, true, true, false])
  }

  @Test("progress is always news, and says nothing of states")
  func progress() {
    var order = EventOrder()
    let report = JobEvent(
      id: event(1, 0, .queued).id, revision: 9, .progress(JobProgress(completed: 1, total: nil)))
    let posted = [event(1, 5, .running), report, event(1, 6, .succeeded), report]
    #expect(posted.map { order.isNews($0) } == [true, true, true, true])
  }

  @Test("the last jobs are remembered, and not all that ever were")
  func bounded() {
    var order = EventOrder()
    var wrong: [Int] = []
    for job in 1...10_000 {
      let first = order.isNews(event(UInt64(job), 2, .running))
      let late = order.isNews(event(UInt64(max(1, job - EventOrder.capacity + 1)), 1, .queued))
      if !first || late { wrong.append(job) }
    }
    #expect(wrong.isEmpty)
    let forgotten = order.isNews(event(1, 1, .queued))
    #expect(forgotten)
  }
}
