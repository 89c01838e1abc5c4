import Synchronization

/// One `map` on its way: hands out chunks, and keeps so many in flight.
///
/// It knows no types, for the reason that ``PoolWork`` gives; inputs and outputs are in ``MapItems``.
final class MapRun: Sendable {
  fileprivate struct State {
    var window: ChunkWindow
    /// By lane: the call that runs its chunk.
    var calls: [(any StartedCall)?]
    var failure: CallError?
    var whenDone: (@Sendable () -> Void)?
  }

  /// What follows the end of a chunk.
  fileprivate enum Step {
    case begin(chunk: Int)
    /// It was the last, or the first that failed.
    case end(cancelling: [any StartedCall], then: (@Sendable () -> Void)?)
  }

  fileprivate let items: MapItems
  private let pool: any Pool
  private let state: Mutex<State>

  init(_ pool: any Pool, _ items: MapItems, mostInFlight: Int) {
    self.pool = pool
    self.items = items
    let window = ChunkWindow(count: items.chunkCount, mostInFlight: mostInFlight)
    state = Mutex(State(window: window, calls: Array(repeating: nil, count: window.laneCount)))
  }

  /// - Parameter whenDone: called once, when all chunks have ended, or no more will start and those in flight have ended.
  func start(_ whenDone: @escaping @Sendable () -> Void) {
    let laneCount = state.withLock { state in
      state.whenDone = whenDone
      return state.window.laneCount
    }
    for index in 0..<laneCount {
      guard let chunk = state.withLock({ $0.window.next(in: index) }) else { break }
      begin(chunk, in: MapLane(self, index))
    }
    // Cancelled before it began.
    state.withLock { $0.takeWhenDone() }?()
  }

  func cancel() {
    let (calls, whenDone) = state.withLock { state in
      let calls = state.window.isDone ? [] : state.fail(.cancelled)
      return (calls, state.takeWhenDone())
    }
    for call in calls { call.cancel() }
    whenDone?()
  }

  /// Why there are not all outputs; `nil`: there are.
  var failure: CallError? { state.withLock { $0.failure } }

  private func begin(_ chunk: Int, in lane: MapLane) {
    lane.chunk = chunk
    let call = pool.start(lane)
    let isLate = state.withLock { state in
      // The lane may be on with its next chunk: that one's call must not be taken for this.
      guard state.window.isInFlight(chunk, in: lane.index) else { return false }
      state.calls[lane.index] = call
      return state.failure != nil
    }
    if isLate { call.cancel() }
  }

  fileprivate func ended(_ lane: MapLane, _ end: PoolEnd) {
    if !items.isCoarse { return settle(lane, end) }
    Task.detached { self.settle(lane, end) }
  }

  /// Keeps what a chunk gave, and goes on with the next.
  private func settle(_ lane: MapLane, _ end: PoolEnd) {
    var failure: CallError?
    do throws(CallError) {
      try items.keep(end, of: lane.chunk)
    } catch {
      failure = error
    }
    switch state.withLock({ $0.ended(lane.index, failure) }) {
    case .begin(let chunk): begin(chunk, in: lane)
    case .end(let calls, let whenDone):
      for call in calls { call.cancel() }
      whenDone?()
    }
  }
}

extension MapRun.State {
  fileprivate mutating func ended(_ lane: Int, _ failure: CallError?) -> MapRun.Step {
    calls[lane] = nil
    window.ended(in: lane)
    let others = failure.map { fail($0) } ?? []
    if let chunk = window.next(in: lane) { return .begin(chunk: chunk) }
    return .end(cancelling: others, then: takeWhenDone())
  }

  /// Starts nothing more; the first error is the map's. The calls that are to be cancelled.
  fileprivate mutating func fail(_ error: CallError) -> [any StartedCall] {
    if failure != nil { return [] }
    failure = error
    window.stop()
    return calls.compactMap { $0 }
  }

  /// Gives it once, when nothing is in flight and nothing will be.
  fileprivate mutating func takeWhenDone() -> (@Sendable () -> Void)? {
    guard window.isDone else { return nil }
    defer { whenDone = nil }
    return whenDone
  }
}

/// The work of one chunk of a map, and then of another: made once for many calls.
private final class MapLane: PoolWork, @unchecked Sendable {
  // @unchecked: the chunk is set before the lane is started, and touched by its call until that has ended.
  let run: MapRun
  let index: Int
  var chunk = 0

  init(_ run: MapRun, _ index: Int) {
    self.run = run
    self.index = index
    super.init(run.items.function, run.items.limits, .many)
  }

  override func encode() throws(ValueCodingError) -> EncodedValue { try run.items.encode(chunk) }

  override func runHere() async throws -> any Sendable { try await run.items.runHere(chunk) }

  override func ended(_ end: PoolEnd) { run.ended(self, end) }
}
