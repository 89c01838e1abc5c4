import JobModel
import JobStore

/// Queues that are paused and resumed, and keys that have room again.
extension Dispatcher {
  /// Stops every acceptor from taking jobs of a queue. None is claimed once the store has said so; what was claimed ahead
  /// goes back.
  func pause(_ queue: String) async throws(StoreError) -> PauseDecision {
    let decision = try await store.setPaused(true, queue: queue, now: .now)
    memory.board.markPaused()
    identity.postToAll(.paused)
    await returnPaused()
    return decision
  }

  func resume(_ queue: String) async throws(StoreError) -> PauseDecision {
    let decision = try await store.setPaused(false, queue: queue, now: .now)
    callForReleased(Set(Executor.allCases))
    return decision
  }

  /// Jobs are in line that were not, though none has joined.
  func callForReleased(_ executors: Set<Executor>) {
    for executor in executors {
      memory.board.markJoined(executor, count: 0)
      callForWork(executor)
    }
  }
}
