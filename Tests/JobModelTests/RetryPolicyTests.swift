import JobModel
import Testing

@Suite("Retry policy and time")
struct RetryPolicyTests {
  @Test(
    "the back-off doubles from a second to an hour",
    arguments: [(1, 1), (2, 2), (3, 4), (12, 2048), (13, 3600), (99, 3600)])
  func backoff(_ attempt: Int, _ seconds: Int) {
    #expect(RetryPolicy.backoff(attempt: attempt, jitter: 0) == .seconds(seconds))
  }

  @Test("the jitter takes at most a quarter off, whatever it is")
  func jitter() {
    #expect(RetryPolicy.backoff(attempt: 3, jitter: 1) == .seconds(3))
    #expect(RetryPolicy.backoff(attempt: 3, jitter: 17) == .seconds(3))
    #expect(RetryPolicy.backoff(attempt: 3, jitter: -1) == .seconds(4))
    #expect(RetryPolicy.backoff(attempt: .min + 2, jitter: 0) == .seconds(1))
  }

  @Test("attempts end with the last one allowed")
  func attempts() {
    #expect(RetryPolicy.afterFailure(.crashed, attempt: 3, maxAttempts: 3, jitter: 0) == .end)
    #expect(RetryPolicy.afterFailure(.crashed, attempt: 2, maxAttempts: 3, jitter: 0) == .retry(after: .seconds(2)))
    #expect(RetryPolicy.repeatsLost(lostCount: RetryPolicy.lostLimit - 1))
    #expect(!RetryPolicy.repeatsLost(lostCount: RetryPolicy.lostLimit))
  }

  @Test("a moment too far away becomes the last or the first there is")
  func saturation() {
    let moment = Timestamp(microseconds: 5)
    #expect(moment.advanced(by: .seconds(Int64.max)).microseconds == .max)
    #expect(Timestamp(microseconds: -5).advanced(by: .seconds(Int64.min)).microseconds == .min)
    #expect(Timestamp(microseconds: .max).advanced(by: .microseconds(1)).microseconds == .max)
    #expect(Timestamp(microseconds: .min).advanced(by: .microseconds(-1)).microseconds == .min)
    #expect(Duration.seconds(Int64.max).microsecondsClamped == .max)
    #expect(Duration.seconds(Int64.min).microsecondsClamped == .min)
    #expect(Duration.milliseconds(-1).microsecondsClamped == -1000)
  }

  @Test("the time between any two moments can be told, at worst as the longest there is")
  func distance() {
    #expect(Timestamp(microseconds: 1).duration(to: Timestamp(microseconds: 4)) == .microseconds(3))
    #expect(Timestamp(microseconds: .min).duration(to: Timestamp(microseconds: .max)) == .microseconds(Int64.max))
    #expect(Timestamp(microseconds: .max).duration(to: Timestamp(microseconds: .min)) == .microseconds(Int64.min))
  }
}
