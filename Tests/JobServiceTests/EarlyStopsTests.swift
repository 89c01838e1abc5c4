import JobModel
import Testing

@testable import JobService

@Suite("Requests to stop jobs that are on their way")
struct EarlyStopsTests {
  private let second: UInt64 = 1_000_000_000
  private func id(_ number: UInt64) -> JobID { JobID(high: 1, low: number) }

  @Test("a job that comes after the request to stop it is looked up, once")
  func once() {
    var stops = EarlyStops()
    stops.ask(id(1), now: 0)
    let (first, again, other) = (
      stops.mayConcern(id(1), now: second), stops.mayConcern(id(1), now: second), stops.mayConcern(id(2), now: second)
    )
    #expect(first && !again && !other)
  }

  @Test("a request of long ago concerns nobody")
  func old() {
    var stops = EarlyStops()
    stops.ask(id(1), now: 0)
    stops.miss(now: 0)
    let concerns = stops.mayConcern(id(1), now: 31 * second)
    #expect(!concerns)
  }

  @Test("after requests were missed, whoever comes within a while is looked up")
  func missed() {
    var stops = EarlyStops()
    stops.miss(now: 0)
    let (soon, later) = (stops.mayConcern(id(7), now: second), stops.mayConcern(id(8), now: 40 * second))
    #expect(soon && !later)
  }

  @Test("more requests than it keeps are not lost: then any job may be meant")
  func bounded() {
    var stops = EarlyStops()
    for number in 0...UInt64(EarlyStops.limit) { stops.ask(id(number), now: second) }
    for number in 0...UInt64(EarlyStops.limit) {
      let concerns = stops.mayConcern(id(number), now: 2 * second)
      #expect(concerns, "request \(number) was forgotten")
    }
  }
}
