import Testing

@testable import Multiprocessing

@Suite("Restart back-off")
struct RestartBackoffTests {
  @Test("the first restarts are at once, then pauses double up to the longest")
  func grows() {
    var backoff = RestartBackoff(freeRestarts: 2, firstPause: .milliseconds(100), longestPause: .milliseconds(300))
    let pauses = (0..<6).map { _ in backoff.pauseAfterDeath(age: .zero, wasUseful: false, random: 1) }
    let expected: [Duration] = [
      .zero, .zero, .milliseconds(100), .milliseconds(200), .milliseconds(300), .milliseconds(300),
    ]
    #expect(pauses == expected)
    #expect(backoff.failures == 6)
  }

  @Test("jitter takes up to half of a pause")
  func jitter() {
    for (random, milliseconds) in [(0.0, 50), (0.5, 75), (1.0, 100)] {
      var backoff = RestartBackoff(freeRestarts: 0, firstPause: .milliseconds(100))
      #expect(backoff.pauseAfterDeath(age: .zero, wasUseful: false, random: random) == .milliseconds(milliseconds))
    }
  }

  @Test("one that was useful, or lived long enough, ends the series")
  func resets() {
    for (age, useful) in [(Duration.zero, true), (.seconds(10), false)] {
      var backoff = RestartBackoff(freeRestarts: 0)
      #expect(backoff.pauseAfterDeath(age: .zero, wasUseful: false, random: 1) > .zero)
      #expect(backoff.pauseAfterDeath(age: age, wasUseful: useful, random: 1) == .zero)
      #expect(backoff.failures == 0)
    }
  }

  @Test("ten thousand failures do not overflow")
  func manyFailures() {
    var backoff = RestartBackoff()
    for _ in 0..<10_000 { _ = backoff.pauseAfterDeath(age: .zero, wasUseful: false, random: 1) }
    #expect(backoff.pauseAfterDeath(age: .zero, wasUseful: false, random: 1) == backoff.longestPause)
  }
}
