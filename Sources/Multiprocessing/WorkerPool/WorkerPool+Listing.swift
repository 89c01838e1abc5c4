import EventLoop

/// One worker, as it is now.
public struct WorkerSnapshot: Sendable, Equatable {
  public enum State: String, Sendable {
    case idle, busy
    /// Being cancelled, crashing, killed, or leaving.
    case ending
  }
  public var pid: Int32
  public var state: State
  /// ``PoolCall/tag`` of the call it has.
  public var tag: [UInt8]?
  public var callsDone: Int
  /// How long ago it was forked.
  public var age: Duration
}

extension WorkerPool {
  public var size: Int { state.size }
  /// The fork server and the nursery that would fork another are dead: this pool runs nothing any more.
  public var isGone: Bool { state.forkServer == .gone }
  public var idleCount: Int { state.idleCount }
  /// Workers that have a call.
  public var busyCount: Int { state.busyCount }
  public var waitingCount: Int { state.waitingCount }
  /// Workers that were replaced, whatever they died of; not those that had done ``PoolLimits/maxCallsPerWorker`` calls.
  public var restarts: Int { state.restarts }
  public var nurseryPID: Int32 { forkServerHandle.nurseryPID }

  /// The workers there are, oldest first.
  public var workers: [WorkerSnapshot] {
    let now = MonotonicClock.now
    return workerHandles.values.sorted { $0.number < $1.number }.compactMap { handle in
      guard let worker = state.workers[handle.number] else { return nil }
      let shown: WorkerSnapshot.State =
        switch worker.phase {
        case .starting, .idle: .idle
        case .busy: .busy
        case .cancelling, .crashing, .killed, .leaving: .ending
        }
      return WorkerSnapshot(
        pid: handle.pid, state: shown, tag: handle.call?.call.tag,
        callsDone: worker.callsDone, age: .nanoseconds(Int64(clamping: now &- handle.bornAt)))
    }
  }
}
