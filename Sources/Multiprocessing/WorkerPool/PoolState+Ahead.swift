// Calls that are sent to a worker before it has answered the one it runs: it goes on without a pause. Such a call has not
// begun, and until it has it can be taken back: for a worker that has nothing to do, because of a cancel, or because the
// worker is to be killed or has died.

extension PoolState {
  /// A worker that has fewer gets more: half of what it may have, so that several go in one message.
  private static let fewAhead = TicketPage.count / 2
  /// Of all calls one worker has; a Unix socket holds about three times as much (net.core.wmem_default).
  static let mostAheadBytes = 64 * 1024

  /// Sends calls ahead, as many as keep the workers fed. Whatever else is to be done comes first.
  mutating func feed() -> [Action] {
    var actions: [Action] = []
    while let worker = hungriest() {
      let share = max(1, waiting.count / max(1, workers.count))
      var given = 0
      while given < share, let call = nextAhead(for: worker) {
        let bytes = calls[call]?.aheadBytes ?? 0
        _ = waiting.removeFirst()
        workers[worker]?.getAhead(call, bytes: bytes)
        calls[call]?.worker = worker
        actions.append(.start(call: call, worker: worker))
        given += 1
      }
      if given == 0 { break }
    }
    return actions
  }

  /// The first that waits, if it may go to this worker ahead: nobody overtakes it.
  private func nextAhead(for worker: UInt64) -> UInt64? {
    guard let call = waiting.first, let bytes = calls[call]?.aheadBytes, let state = workers[worker],
      state.calls.count < TicketPage.count, state.callBytes + bytes <= Self.mostAheadBytes,
      state.callsDone + state.calls.count < limits.maxCallsPerWorker ?? .max
    else { return nil }
    return call
  }

  private func hungriest() -> UInt64? {
    guard !waiting.isEmpty else { return nil }
    var fewest = Self.fewAhead + 1
    var found: UInt64?
    for number in workers.runningNumbers {
      guard let worker = workers[number], worker.phase == .busy, worker.takesAhead, worker.calls.count < fewest,
        nextAhead(for: number) != nil
      else { continue }
      fewest = worker.calls.count
      found = number
    }
    return found
  }

  /// A worker has nothing to do and nobody waits: whose calls are to be taken back for it, and which, the last ones first.
  func robbable() -> (worker: UInt64, calls: [UInt64])? {
    guard idleCount > 0, waiting.isEmpty else { return nil }
    var most = 1
    var found: UInt64?
    for number in workers.runningNumbers {
      guard let worker = workers[number], worker.phase == .busy, worker.calls.count > most else { continue }
      most = worker.calls.count
      found = number
    }
    guard let found, let worker = workers[found] else { return nil }
    return (found, worker.calls.suffix(max(1, (most - 1) / 2)).reversed())
  }

  /// These calls were taken back from the worker, in rising order of their turn: they are the first that wait.
  mutating func takenBack(_ taken: [UInt64], from worker: UInt64) {
    for call in taken {
      let bytes = calls[call]?.aheadBytes ?? 0
      workers[worker]?.lost(call, bytes: bytes)
      calls[call]?.worker = nil
    }
    waiting.putBack(taken)
  }
}
