import Testing

@testable import Multiprocessing

@Suite("Calls sent ahead")
struct AheadTests {
  /// A pool of idle workers, numbered from 1.
  private func pool(_ size: Int, _ limits: PoolLimits = PoolLimits()) -> PoolState {
    var state = PoolState(size: size, limits: limits)
    state.forkServerBorn(now: 0)
    _ = state.forkServerReady(now: 0)
    for worker in 1...size { _ = state.spawned(UInt64(worker), now: 0) }
    return state
  }

  private func submit(_ calls: ClosedRange<UInt64>, to state: inout PoolState, timeout: Duration? = nil) {
    for call in calls { _ = state.submit(call, timeout: timeout, aheadBytes: 10, now: 0) }
  }

  @Test("a busy worker gets calls behind the one it runs, and they are answered in turn")
  func feeds() {
    var state = pool(1)
    submit(1...3, to: &state)
    #expect(state.waitingCount == 2)
    #expect(state.feed() == [.start(call: 2, worker: 1), .start(call: 3, worker: 1)])
    #expect(state.waitingCount == 0)
    #expect(state.answered(1, by: 1, now: 1) == [.end(call: 1, .answered)])
    #expect(state.answered(2, by: 1, now: 2) == [.end(call: 2, .answered)])
    #expect(state.idleCount == 0)
    #expect(state.answered(3, by: 1, now: 3) == [.end(call: 3, .answered)])
    #expect(state.idleCount == 1)
  }

  @Test("an answer out of turn is nobody's, and costs the worker")
  func outOfTurn() {
    var state = pool(1)
    submit(1...2, to: &state)
    _ = state.feed()
    #expect(state.answered(2, by: 1, now: 1) == [.kill(worker: 1)])
  }

  @Test("a call that may not be sent ahead waits until a worker is idle, and nobody overtakes it")
  func waitsItsTurn() {
    var state = pool(1)
    submit(1...1, to: &state)
    _ = state.submit(2, timeout: nil, now: 0)
    submit(3...3, to: &state)
    #expect(state.feed() == [])
    #expect(state.answered(1, by: 1, now: 1) == [.end(call: 1, .answered), .start(call: 2, worker: 1)])
    #expect(state.feed() == [], "what is behind a call with a worker of its own was sent ahead")
  }

  @Test("a worker has no more calls than tickets, bytes and the calls it may do")
  func bounded() {
    var state = pool(1)
    submit(1...200, to: &state)
    while !state.feed().isEmpty {}
    #expect(state.workers[1]?.calls.count ?? 0 <= TicketPage.count)

    state = pool(1)
    for call in UInt64(1)...9 {
      _ = state.submit(call, timeout: nil, aheadBytes: PoolState.mostAheadBytes / 4, now: 0)
    }
    while !state.feed().isEmpty {}
    #expect(state.workers[1]?.calls.count == 4)

    state = pool(1, PoolLimits(maxCallsPerWorker: 3))
    submit(1...9, to: &state)
    while !state.feed().isEmpty {}
    #expect(state.workers[1]?.calls == [1, 2, 3])
  }

  @Test("calls are dealt out to all busy workers")
  func deals() {
    var state = pool(2)
    submit(1...22, to: &state)
    while !state.feed().isEmpty {}
    #expect(state.workers[1]?.calls.count == state.workers[2]?.calls.count)
  }

  @Test("the time of a call begins when the call before it is answered")
  func deadlines() {
    var state = pool(1)
    submit(1...2, to: &state, timeout: .nanoseconds(100))
    _ = state.feed()
    #expect(state.nextDeadline == 100)
    _ = state.answered(1, by: 1, now: 90)
    #expect(state.nextDeadline == 190)
    #expect(state.overdue(now: 200) == [], "only workers with calls behind the running one are to be cleared first")
  }

  @Test("an idle worker gets what waits behind another's call, the last ones first")
  func robs() {
    var state = pool(2)
    submit(1...2, to: &state)
    submit(3...6, to: &state)
    while !state.feed().isEmpty {}
    // Worker 2 is done with its calls, worker 1 is not.
    for call in state.workers[2]?.calls ?? [] { _ = state.answered(call, by: 2, now: 1) }
    guard let (victim, calls) = state.robbable() else {
      Issue.record("nothing to rob")
      return
    }
    #expect(victim == 1)
    #expect(calls == [state.workers[1]?.calls.last])
    state.takenBack(calls, from: victim)
    #expect(state.startWaiting(2) == [.start(call: calls[0], worker: 2)])
    #expect(state.answered(calls[0], by: 2, now: 3) == [.end(call: calls[0], .answered)])
  }

  @Test("a worker that was robbed gets nothing ahead until it has nothing left")
  func slow() {
    var state = pool(1)
    submit(1...3, to: &state)
    _ = state.feed()
    state.takenBack([3], from: 1)
    #expect(state.feed() == [])
    _ = state.answered(1, by: 1, now: 1)
    #expect(state.feed() == [])
    #expect(state.answered(2, by: 1, now: 2) == [.end(call: 2, .answered), .start(call: 3, worker: 1)])
  }

  @Test("calls taken back are the first that wait, and a death ends only the call that ran")
  func death() {
    var state = pool(1)
    submit(1...4, to: &state)
    while !state.feed().isEmpty {}
    state.takenBack([2, 3, 4], from: 1)
    #expect(state.died(1, unread: nil, now: 1, random: 0) == [.end(call: 1, .crashed), .spawn(worker: 2)])
    #expect(state.spawned(2, now: 2) == [.start(call: 2, worker: 2)])
    #expect(state.feed() == [.start(call: 3, worker: 2), .start(call: 4, worker: 2)])
  }

  @Test("a call that was taken back can be cancelled without a signal")
  func cancels() {
    var state = pool(1)
    submit(1...2, to: &state)
    _ = state.feed()
    state.takenBack([2], from: 1)
    #expect(state.cancel(2, now: 1) == [.end(call: 2, .verdict(.cancelled))])
    #expect(state.cancel(1, now: 1) == [.signalCancel(worker: 1)])
  }
}

@Suite("Tickets")
struct TicketTests {
  @Test("a call is begun or taken back, never both")
  func exclusive() throws {
    let board = try TicketBoard()
    defer { withExtendedLifetime(board) {} }
    let page = board.page(3)
    page.offer(7, at: 0)
    #expect(page.take(7, at: 0))
    #expect(!page.takeBack(7, at: 0))
    page.offer(8, at: 0)
    #expect(page.takeBack(8, at: 0))
    #expect(!page.take(8, at: 0), "a call that was taken back was begun")
  }

  @Test("a ticket that was used again is not the earlier call's")
  func reuse() throws {
    let board = try TicketBoard()
    defer { withExtendedLifetime(board) {} }
    let page = board.page(0)
    page.offer(1, at: 9)
    #expect(page.takeBack(1, at: 9))
    page.offer(2, at: 9)
    #expect(!page.take(1, at: 9))
    #expect(page.take(2, at: 9))
  }

  @Test("whoever maps the same file sees the same tickets")
  func shared() throws {
    let board = try TicketBoard()
    let other = try TicketBoard(board.file, bell: board.bell)
    defer { withExtendedLifetime((board, other)) {} }
    board.page(1).offer(5, at: 2)
    #expect(!other.page(0).take(5, at: 2))
    #expect(other.page(1).take(5, at: 2))
    board.page(1).clear()
    #expect(!other.page(1).takeBack(5, at: 2))
  }
}

@Suite("What a pool keeps its calls in")
struct PoolTableTests {
  @Test("an old number never finds a new value")
  func slots() {
    var slots = Slots<String>()
    let first = slots.insert("first")
    #expect(slots.remove(first) == "first")
    let second = slots.insert("second")
    #expect(first != second)
    #expect(slots[first] == nil && slots.remove(first) == nil)
    #expect(slots[second] == "second" && slots.count == 1)
  }

  @Test("calls that are put back come before all others, in their order")
  func line() {
    var line = WaitingLine()
    for call in UInt64(1)...5 { line.append(call) }
    #expect(line.removeFirst() == 1)
    #expect(line.removeFirst() == 2)
    line.putBack([1, 2])
    line.putBack([8, 9])
    line.remove(2)
    #expect(Array(line.all) == [8, 9, 1, 3, 4, 5])
    #expect(line.count == 6 && line.first == 8)
  }
}
