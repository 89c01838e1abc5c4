import Synchronization
import Testing

@testable import Multiprocessing

@Suite("The gate of a pool")
struct PoolGateTests {
  private final class Log: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func entry(_ name: String) -> @Sendable (CallError?) -> Void {
      { error in self.lines.withLock { $0.append(error == nil ? "\(name) in" : "\(name) \(error!)") } }
    }
    func note(_ line: String) { lines.withLock { $0.append(line) } }
  }

  @Test("as many come in as there is room, the others in the order they came")
  func order() {
    let gate = PoolGate(room: 2)
    let log = Log()
    for name in ["a", "b", "c", "d"] { gate.enter(log.entry(name)) }
    #expect(log.all == ["a in", "b in"])
    gate.leave()
    #expect(log.all == ["a in", "b in", "c in"])
    gate.leave()
    gate.leave()
    #expect(log.all == ["a in", "b in", "c in", "d in"])
  }

  @Test("who gives up is told, and passed over")
  func giveUp() {
    let gate = PoolGate(room: 1)
    let log = Log()
    gate.enter(log.entry("a"))
    let ticket = gate.enter(log.entry("b"))
    gate.enter(log.entry("c"))
    gate.giveUp(ticket)
    gate.giveUp(ticket)
    gate.leave()
    #expect(log.all == ["a in", "b the call was cancelled", "c in"])
  }

  @Test("a closed gate refuses those in line and those to come, and is empty when the last leaves")
  func close() {
    let gate = PoolGate(room: 1)
    let log = Log()
    gate.enter(log.entry("a"))
    gate.enter(log.entry("b"))
    gate.whenEmpty { log.note("empty") }
    gate.close()
    gate.close(.lost("later"))
    gate.enter(log.entry("c"))
    #expect(log.all == ["a in", "b the pool is closed", "c the pool is closed"])
    gate.leave()
    gate.whenEmpty { log.note("still empty") }
    #expect(log.all.suffix(2) == ["empty", "still empty"])
  }

  @Test("an empty gate that is closed is empty at once")
  func closeEmpty() {
    let gate = PoolGate(room: 1)
    let log = Log()
    gate.whenEmpty { log.note("empty") }
    gate.close()
    #expect(log.all == ["empty"])
  }
}

@Suite("The chunks of a map")
struct ChunkWindowTests {
  @Test("the usual chunk is a quarter of a worker's share, rounded up")
  func usual() {
    #expect(ChunkSize.usual(items: 1_000_000, workers: 2) == 125_000)
    #expect(ChunkSize.usual(items: 9, workers: 2) == 2)
    #expect(ChunkSize.usual(items: 1, workers: 8) == 1)
  }

  @Test("so many are in flight at a time as there are lanes, and each once")
  func window() {
    var window = ChunkWindow(count: 4, mostInFlight: 2)
    #expect(window.laneCount == 2)
    #expect(window.next(in: 0) == 0 && window.next(in: 1) == 1)
    window.ended(in: 1)
    #expect(window.next(in: 1) == 2)
    #expect(window.isInFlight(0, in: 0) && window.isInFlight(2, in: 1))
    window.ended(in: 0)
    #expect(window.next(in: 0) == 3 && !window.isDone)
    window.ended(in: 1)
    #expect(window.next(in: 1) == nil && !window.isDone)
    window.ended(in: 0)
    #expect(window.next(in: 0) == nil && window.isDone)
  }

  @Test("a chunk is not in flight in a lane that is on with the next")
  func lateLook() {
    var window = ChunkWindow(count: 2, mostInFlight: 1)
    #expect(window.next(in: 0) == 0)
    window.ended(in: 0)
    #expect(!window.isInFlight(0, in: 0))
    #expect(window.next(in: 0) == 1)
    #expect(!window.isInFlight(0, in: 0) && window.isInFlight(1, in: 0))
  }

  @Test("there are no more lanes than chunks")
  func fewChunks() {
    #expect(ChunkWindow(count: 3, mostInFlight: 64).laneCount == 3)
  }

  @Test("a stopped one starts nothing, and is done when what flew has landed")
  func stop() {
    var window = ChunkWindow(count: 4, mostInFlight: 2)
    #expect(window.next(in: 0) == 0)
    window.stop()
    #expect(window.next(in: 1) == nil && !window.isDone)
    window.ended(in: 0)
    #expect(window.next(in: 0) == nil && window.isDone)
  }
}

@Suite("The results of many calls")
struct ResultsStateTests {
  private typealias State = ResultsState<Int, String>

  private func state(_ inputs: [[Int]], window: Int, inOrder: Bool) -> State {
    var rest = inputs[...]
    return State(window: window, inOrder: inOrder) { rest.popFirst() ?? [] }
  }

  private func end(_ number: Int) -> State.Ended {
    State.Ended(number: number, first: number, count: 1, reply: "\(number)")
  }

  @Test("come as they end")
  func asCompleted() {
    var state = state([[1], [2], [3]], window: 4, inOrder: false)
    while state.startNext() != nil {}
    state.end(end(2))
    state.end(end(0))
    #expect(state.take()?.number == 2 && state.take()?.number == 0 && state.take() == nil)
    #expect(!state.isOver)
    state.end(end(1))
    #expect(state.isQuiet && !state.isOver)
    #expect(state.take()?.number == 1 && state.isOver)
  }

  @Test("in order wait for those before them")
  func inOrder() {
    var state = state([[1], [2], [3]], window: 3, inOrder: true)
    while state.startNext() != nil {}
    state.end(end(2))
    state.end(end(1))
    #expect(state.take() == nil)
    state.end(end(0))
    #expect([state.take()?.number, state.take()?.number, state.take()?.number] == [0, 1, 2])
  }

  @Test("that are not taken keep further ones from being started")
  func backPressure() {
    var state = state([[1], [2, 3], [4]], window: 2, inOrder: false)
    #expect(state.startNext()?.first == 0 && state.startNext()?.first == 1 && state.startNext() == nil)
    state.end(end(0))
    #expect(state.startNext() == nil)
    _ = state.take()
    #expect(state.startNext()?.first == 3 && state.startNext() == nil)
  }

  @Test("stop when nobody reads them any more")
  func stop() {
    var state = state([[1], [2]], window: 1, inOrder: false)
    _ = state.startNext()
    state.stop()
    #expect(state.startNext() == nil && !state.isQuiet)
    state.end(end(0))
    state.stop()
    #expect(state.isOver && state.take() == nil)
  }
}
