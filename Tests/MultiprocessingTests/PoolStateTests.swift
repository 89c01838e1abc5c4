import Testing

@testable import Multiprocessing

@Suite("The state of a pool")
struct PoolStateTests {
  private static let second: UInt64 = 1_000_000_000

  /// A pool of `size` idle workers, numbered from 1.
  private func pool(_ size: Int, _ limits: PoolLimits = PoolLimits()) -> PoolState {
    var state = PoolState(size: size, limits: limits)
    state.forkServerBorn(now: 0)
    let spawned = state.forkServerReady(now: 0)
    #expect(spawned == (1...size).map { .spawn(worker: UInt64($0)) })
    for worker in 1...size { #expect(state.spawned(UInt64(worker), now: 0) == []) }
    return state
  }

  @Test("a call starts on an idle worker, the one that worked last first")
  func starts() {
    var state = pool(2)
    #expect(state.submit(10, timeout: nil, now: 1) == [.start(call: 10, worker: 2)])
    #expect(state.submit(11, timeout: nil, now: 1) == [.start(call: 11, worker: 1)])
    #expect(state.answered(10, by: 2, now: 2) == [.end(call: 10, .answered)])
    #expect(state.submit(12, timeout: nil, now: 3) == [.start(call: 12, worker: 2)])
  }

  @Test("calls wait in order, and no more than may")
  func waits() {
    var state = pool(1, PoolLimits(mostWaiting: 2))
    #expect(state.submit(1, timeout: nil, now: 0) != nil)
    #expect(state.submit(2, timeout: nil, now: 0) == [])
    #expect(state.submit(3, timeout: nil, now: 0) == [])
    #expect(state.submit(4, timeout: nil, now: 0) == nil)
    #expect(state.answered(1, by: 1, now: 1) == [.end(call: 1, .answered), .start(call: 2, worker: 1)])
  }

  @Test("a call past its time is killed, and ends when its worker is dead")
  func timesOut() {
    var state = pool(1)
    _ = state.submit(1, timeout: .seconds(2), now: 0)
    #expect(state.nextDeadline == 2 * Self.second)
    #expect(state.passed(now: 2 * Self.second - 1) == [])
    #expect(state.passed(now: 2 * Self.second) == [.kill(worker: 1)])
    #expect(state.passed(now: 9 * Self.second) == [])
    let end = state.died(1, unread: nil, now: 3 * Self.second, random: 0)
    #expect(end == [.end(call: 1, .verdict(.timedOut)), .spawn(worker: 2)])
    #expect(state.restarts == 1)
  }

  @Test("an answer that comes after the verdict answers nobody")
  func lateAnswer() {
    var state = pool(1)
    _ = state.submit(1, timeout: .seconds(1), now: 0)
    _ = state.passed(now: Self.second)
    #expect(state.answered(1, by: 1, now: Self.second) == [])
    #expect(state.idleCount == 0)
  }

  @Test("a worker that answers what it was not asked is killed, and its call is not answered")
  func wrongAnswer() {
    var state = pool(1)
    _ = state.submit(7, timeout: nil, now: 0)
    #expect(state.answered(6, by: 1, now: 1) == [.kill(worker: 1)])
    let end = state.died(1, unread: nil, now: 2, random: 0)
    #expect(end == [.end(call: 7, .crashed), .spawn(worker: 2)])
  }

  @Test("cancel is a signal first, a kill after the grace time, and the verdict whatever the function answers")
  func cancels() {
    var state = pool(1, PoolLimits(cancelGrace: .seconds(1)))
    _ = state.submit(1, timeout: nil, now: 0)
    #expect(state.cancel(1, now: 0) == [.signalCancel(worker: 1)])
    #expect(state.answered(1, by: 1, now: 1) == [.kill(worker: 1)])
    #expect(state.died(1, unread: nil, now: 2, random: 0).first == .end(call: 1, .verdict(.cancelled)))

    _ = state.spawned(2, now: 2)
    _ = state.submit(2, timeout: nil, now: 2)
    _ = state.cancel(2, now: 2)
    #expect(state.passed(now: 2 + Self.second) == [.kill(worker: 2)])
    #expect(state.cancel(2, now: 3 + Self.second) == [])
  }

  @Test("a crashing worker has a limited time for its last words")
  func crashes() {
    var state = pool(1, PoolLimits(crashGrace: .seconds(5)))
    _ = state.submit(1, timeout: .seconds(60), now: 0)
    #expect(state.crashing(1, now: 0) == [])
    #expect(state.nextDeadline == 5 * Self.second)
    #expect(state.passed(now: 5 * Self.second) == [.kill(worker: 1)])
    #expect(state.died(1, unread: nil, now: 6 * Self.second, random: 0).first == .end(call: 1, .crashed))
  }

  @Test("a call its worker never read is handed on, but not for ever")
  func handsOn() {
    var state = pool(1, PoolLimits(backoff: RestartBackoff(freeRestarts: 100)))
    _ = state.submit(1, timeout: nil, now: 0)
    let handOns = PoolState.mostHandOns
    for round in 1...handOns {
      let worker = UInt64(round)
      #expect(state.died(worker, unread: 1, now: 0, random: 0) == [.spawn(worker: worker + 1)])
      #expect(state.spawned(worker + 1, now: 0) == [.start(call: 1, worker: worker + 1)])
    }
    let last = state.died(UInt64(handOns + 1), unread: 1, now: 0, random: 0)
    #expect(last.first == .end(call: 1, .lost("its workers died before they began")))
  }

  @Test("where an answer came too late to count, the call behind it is handed on, and not the one that ran")
  func answeredTooLate() {
    var state = pool(1)
    for call in UInt64(1)...2 { _ = state.submit(call, timeout: nil, aheadBytes: 10, now: 0) }
    _ = state.feed()
    #expect(state.lostChannel(1) == [.kill(worker: 1)])
    #expect(state.answeredLast(1, by: 1) == [])
    #expect(state.died(1, unread: 2, now: 1, random: 0) == [.end(call: 1, .crashed), .spawn(worker: 2)])
    #expect(state.spawned(2, now: 1) == [.start(call: 2, worker: 2)])
  }

  @Test("workers that die young and useless come back more and more slowly")
  func backsOff() {
    var state = pool(1, PoolLimits(backoff: RestartBackoff(freeRestarts: 1, firstPause: .seconds(1))))
    #expect(state.died(1, unread: nil, now: 0, random: 1) == [.spawn(worker: 2)])
    #expect(state.died(2, unread: nil, now: 0, random: 1) == [])
    #expect(state.nextDeadline == Self.second)
    #expect(state.passed(now: Self.second) == [.spawn(worker: 3)])
  }

  @Test("a dead fork server loses the running calls, keeps the waiting ones, and starts over")
  func forkServerDies() {
    var state = pool(1)
    _ = state.submit(1, timeout: nil, now: 0)
    _ = state.submit(2, timeout: nil, now: 0)
    #expect(state.forkServerDied() == [.end(call: 1, .lost("the fork server died"))])
    state.forkServerBorn(now: 1)
    #expect(state.forkServerReady(now: 1) == [.spawn(worker: 2)])
    #expect(state.spawned(2, now: 2) == [.start(call: 2, worker: 2)])
  }

  @Test("a fork server that does not answer is killed: while preloading, and when asked for a worker")
  func forkServerStuck() {
    var state = PoolState(size: 1, limits: PoolLimits(preloadTimeout: .seconds(9), startTimeout: .seconds(3)))
    state.forkServerBorn(now: 0)
    #expect(state.passed(now: 9 * Self.second) == [.killForkServer])
    _ = state.forkServerDied()
    state.forkServerBorn(now: 10 * Self.second)
    _ = state.forkServerReady(now: 10 * Self.second)
    #expect(state.nextDeadline == 13 * Self.second)
    #expect(state.passed(now: 13 * Self.second) == [.killForkServer])
  }

  @Test("a closed pool finishes what waits, then lets its workers go")
  func closes() {
    var state = pool(1)
    _ = state.submit(1, timeout: nil, now: 0)
    _ = state.submit(2, timeout: nil, now: 0)
    state.close()
    #expect(state.answered(1, by: 1, now: 1) == [.end(call: 1, .answered), .start(call: 2, worker: 1)])
    #expect(state.answered(2, by: 1, now: 2) == [.end(call: 2, .answered), .dismiss(worker: 1)])
    #expect(state.died(1, unread: nil, now: 3, random: 0) == [])
    #expect(state.callCount == 0)
  }

  @Test("abandoning ends every call once, waiting or running")
  func abandons() {
    var state = pool(1)
    _ = state.submit(1, timeout: nil, now: 0)
    _ = state.submit(2, timeout: nil, now: 0)
    #expect(state.abandonAll("over") == [.end(call: 1, .lost("over")), .end(call: 2, .lost("over"))])
    #expect(state.abandonAll("over") == [])
    #expect(state.died(1, unread: nil, now: 1, random: 0).contains(.end(call: 1, .crashed)) == false)
  }
}
