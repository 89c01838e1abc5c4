import Synchronization

/// One `map` on its way: hands out chunks, keeps so many in flight, and puts their values where they belong.
final class MapRun<Input: Codable & Sendable, Output: Codable & Sendable>: Sendable {
  private struct State {
    var window: ChunkWindow
    /// Values of each chunk, once it has ended.
    var chunks: [[Output]]
    var failure: CallError?
    var cancels: [Int: @Sendable () -> Void] = [:]
    var whenDone: (@Sendable () -> Void)?
  }

  private let pool: any Pool
  private let function: RemoteFunction<Input, Output>
  private let inputs: [Input]
  private let chunkSize: Int
  private let limits: CallLimits?
  private let state: Mutex<State>

  init(
    _ pool: any Pool, _ function: RemoteFunction<Input, Output>, _ inputs: [Input], chunkSize: Int,
    _ limits: CallLimits?
  ) {
    self.pool = pool
    self.function = function
    self.inputs = inputs
    self.chunkSize = chunkSize
    self.limits = limits
    let count = (inputs.count + chunkSize - 1) / chunkSize
    let most = ChunkSize.inFlight(chunkSize: chunkSize, workers: pool.size)
    state = Mutex(
      State(window: ChunkWindow(count: count, mostInFlight: most), chunks: Array(repeating: [], count: count)))
  }

  /// - Parameter whenDone: called once, when all chunks have ended, or no more will start and those in flight have ended.
  func start(_ whenDone: @escaping @Sendable () -> Void) {
    state.withLock { $0.whenDone = whenDone }
    fill()
  }

  func cancel() { fail(.cancelled) }

  /// All values in order, once it is done.
  func outputs() throws(CallError) -> [Output] {
    let (chunks, failure) = state.withLock { ($0.chunks, $0.failure) }
    if let failure { throw failure }
    var outputs: [Output] = []
    outputs.reserveCapacity(inputs.count)
    for chunk in chunks { outputs.append(contentsOf: chunk) }
    return outputs
  }

  private func fill() {
    while let chunk = state.withLock({ $0.window.next() }) {
      let range = chunk * chunkSize..<min((chunk + 1) * chunkSize, inputs.count)
      let cancel = pool.start(function.work(many: Array(inputs[range]), limits)) { reply in
        if range.count < ChunkSize.coarse { return self.ended(chunk, reply) }
        Task.detached { self.ended(chunk, reply) }
      }
      let isLate = state.withLock { state in
        if state.window.isInFlight(chunk) { state.cancels[chunk] = cancel }
        return state.failure != nil
      }
      if isLate { cancel() }
    }
    tellIfDone()
  }

  private func ended(_ chunk: Int, _ reply: PoolReply<ManyEnds<Output>>) {
    let result = reply.result.flatMap { ends in
      ends.firstFailure.map { .failure($0) } ?? .success(ends.outputs)
    }
    // Before it counts as ended, because the last chunk to end is the end of the run.
    if case .failure(let error) = result { fail(error) }
    state.withLock { state in
      if case .success(let outputs) = result { state.chunks[chunk] = outputs }
      state.window.ended(chunk)
      state.cancels[chunk] = nil
    }
    fill()
  }

  /// Starts nothing more; the first error is the map's.
  private func fail(_ error: CallError) {
    let cancels = state.withLock { state in
      if state.failure != nil || state.window.isDone { return [@Sendable () -> Void]() }
      state.failure = error
      state.window.stop()
      return state.cancels.values.map { $0 }
    }
    for cancel in cancels { cancel() }
    tellIfDone()
  }

  private func tellIfDone() {
    let whenDone = state.withLock { state in
      guard state.window.isDone else { return nil as (@Sendable () -> Void)? }
      defer { state.whenDone = nil }
      return state.whenDone
    }
    whenDone?()
  }
}

/// Which chunk comes next, and when it may. Pure.
struct ChunkWindow {
  private(set) var count: Int
  let mostInFlight: Int
  private var started = 0
  private var inFlight: Set<Int> = []

  init(count: Int, mostInFlight: Int) {
    self.count = count
    self.mostInFlight = mostInFlight
  }

  /// The next chunk, which is in flight from now on; `nil`: none now.
  mutating func next() -> Int? {
    guard started < count, inFlight.count < mostInFlight else { return nil }
    inFlight.insert(started)
    started += 1
    return started - 1
  }

  func isInFlight(_ chunk: Int) -> Bool { inFlight.contains(chunk) }

  mutating func ended(_ chunk: Int) { inFlight.remove(chunk) }

  /// No more are started.
  mutating func stop() { count = started }

  var isDone: Bool { started == count && inFlight.isEmpty }
}
