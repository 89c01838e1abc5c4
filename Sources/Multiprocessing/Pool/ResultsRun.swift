import Synchronization

/// The calls behind one iteration of ``PoolResults``: a chunk is started whenever there is room for it in the window, which the
/// reader makes by taking results.
final class ResultsRun<Input: Codable & Sendable, Output: Codable & Sendable>: Sendable {
  typealias State = ResultsState<Input, PoolReply<ManyEnds<Output>>>

  private struct Content {
    var results: State
    var calls: [Int: any StartedCall] = [:]
    var reader: CheckedContinuation<State.Ended?, Never>?
    /// In the pool, as one caller.
    var isInside = false
    var isCancelled = false
  }

  private let pool: any Pool
  private let function: RemoteFunction<Input, Output>
  private let limits: CallLimits?
  private let content: Mutex<Content>

  init<Inputs: Sequence & Sendable>(
    _ pool: any Pool, _ function: RemoteFunction<Input, Output>, _ inputs: Inputs, chunkSize: Int,
    _ limits: CallLimits?, inOrder: Bool
  ) where Inputs.Element == Input {
    self.pool = pool
    self.function = function
    self.limits = limits
    let window = ChunkSize.inFlight(chunkSize: chunkSize, workers: pool.size)
    content = Mutex(
      Content(results: State(window: window, inOrder: inOrder, takeChunk: Self.chunks(of: inputs, chunkSize))))
  }

  private static func chunks<Inputs: Sequence>(
    of inputs: Inputs, _ chunkSize: Int
  ) -> () -> [Input] where Inputs.Element == Input {
    var inputs = inputs.makeIterator()
    return {
      var chunk: [Input] = []
      while chunk.count < chunkSize, let input = inputs.next() { chunk.append(input) }
      return chunk
    }
  }

  /// The next chunk that has ended; `nil` after the last, and when the task is cancelled.
  func next() async -> State.Ended? {
    if let refusal = await enterOnce() { return refusal }
    fill()
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ready: State.Ended?? = content.withLock { content in
          if content.isCancelled { return .some(nil) }
          if let ended = content.results.take() { return .some(ended) }
          if content.results.isOver { return .some(nil) }
          precondition(content.reader == nil, "one task reads an iterator's results")
          content.reader = continuation
          return .none
        }
        if let ready { continuation.resume(returning: ready) }
      }
    } onCancel: {
      cancel()
    }
  }

  /// Starts nothing more, and cancels what runs.
  func cancel() {
    let (calls, reader) = content.withLock { content in
      content.isCancelled = true
      content.results.stop()
      defer { content.reader = nil }
      return (Array(content.calls.values), content.reader)
    }
    for call in calls { call.cancel() }
    reader?.resume(returning: nil)
    leaveIfQuiet()
  }

  /// Comes into the pool. What is given back if that fails is the one result there is.
  private func enterOnce() async -> State.Ended? {
    if content.withLock({ $0.isInside || $0.results.isQuiet }) { return nil }
    do throws(CallError) {
      try await pool.gate.enter()
      content.withLock { $0.isInside = true }
      return nil
    } catch {
      content.withLock { $0.results.stop() }
      return State.Ended(number: 0, first: 0, count: 1, reply: .failure(error))
    }
  }

  private func fill() {
    while let (number, first, inputs) = content.withLock({ $0.results.startNext() }) {
      let work = function.work(many: inputs, limits) { reply in
        self.ended(State.Ended(number: number, first: first, count: inputs.count, reply: reply))
      }
      let call = pool.start(work)
      let isLate = content.withLock { content in
        if content.results.isRunning(number) { content.calls[number] = call }
        return content.isCancelled
      }
      if isLate { call.cancel() }
    }
    leaveIfQuiet()
  }

  private func ended(_ chunk: State.Ended) {
    let (reader, next) = content.withLock { content -> (CheckedContinuation<State.Ended?, Never>?, State.Ended?) in
      content.calls[chunk.number] = nil
      content.results.end(chunk)
      if content.isCancelled { content.results.stop() }
      guard let reader = content.reader else { return (nil, nil) }
      let next = content.results.take()
      if next == nil && !content.results.isOver { return (nil, nil) }
      content.reader = nil
      return (reader, next)
    }
    // It starts more when it comes for the next: inputs are taken from their sequence by the reader's task alone.
    reader?.resume(returning: next)
    leaveIfQuiet()
  }

  /// Out of the pool, once nothing is in flight and nothing will be.
  private func leaveIfQuiet() {
    let leaves = content.withLock { content in
      guard content.isInside, content.results.isQuiet else { return false }
      content.isInside = false
      return true
    }
    if leaves { pool.gate.leave() }
  }
}
