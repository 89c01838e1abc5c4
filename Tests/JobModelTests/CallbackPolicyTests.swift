import JobModel
import Testing

@Suite struct CallbackPolicyTests {
  private let now = Timestamp(microseconds: 1_800_000_000_000_000)

  private func after(_ outcome: CallbackOutcome, attempts: Int = 1, jitter: Double = 0) -> CallbackDelivery {
    CallbackPolicy.after(outcome, attempts: attempts, now: now, jitter: jitter)
  }

  @Test("any 2xx is delivered", arguments: [200, 201, 202, 204, 299])
  func delivered(status: Int) {
    #expect(after(.answered(status: status)) == CallbackDelivery(state: .delivered, attempts: 1, lastStatus: status))
  }

  @Test(
    "410 ends it, everything else is tried again", arguments: [199, 300, 301, 308, 400, 404, 409, 411, 429, 500, 503])
  func failed(status: Int) {
    let delivery = after(.answered(status: status))
    #expect(delivery.state == .pending && delivery.lastStatus == status && delivery.nextAttemptAt != nil)
    let gone = after(.answered(status: 410))
    #expect(gone.state == .failed && gone.lastStatus == 410 && gone.nextAttemptAt == nil)
  }

  @Test("eight attempts take about a day, and each waits longer than the one before")
  func schedule() {
    var total = Duration.zero
    var last = Duration.zero
    for attempt in 1..<CallbackPolicy.attemptLimit {
      let delivery = after(.unreached("no"), attempts: attempt)
      #expect(delivery.state == .pending && delivery.lastError == "no" && delivery.lastStatus == nil)
      let delay = delivery.nextAttemptAt.map { now.duration(to: $0) } ?? .zero
      #expect(delay > last)
      total += delay
      last = delay
    }
    #expect(CallbackPolicy.attemptLimit == 8 && total > .seconds(22 * 3600) && total < .seconds(24 * 3600))
    #expect(after(.unreached("no"), attempts: 8).state == .failed)
    // One whose server went away while it was under way may come to more.
    #expect(after(.unreached("no"), attempts: 9).state == .failed)
    #expect(after(.answered(status: 200), attempts: 9).state == .delivered)
  }

  @Test("the jitter makes a delay longer by up to a fifth")
  func jitter() {
    #expect(after(.unreached(""), jitter: 0).nextAttemptAt == now.advanced(by: .seconds(5)))
    #expect(after(.unreached(""), jitter: 1).nextAttemptAt == now.advanced(by: .seconds(6)))
  }

  @Test(
    "callbacks are told apart by host and port",
    arguments: [
      ("http://Example.org/a", "example.org"), ("https://example.org:8443?x", "example.org:8443"),
      ("http://[::1]:80/", "[::1]:80"), ("http://a.b#c", "a.b"), ("http://10.0.0.1", "10.0.0.1"),
    ])
  func hosts(url: String, host: String) { #expect(CallbackPolicy.host(of: url) == host) }
}
