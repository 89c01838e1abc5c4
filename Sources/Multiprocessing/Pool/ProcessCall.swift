import EventLoop

/// One call that a ``ProcessPool`` has, from the moment it was started until its end.
final class ProcessCall: StartedCall {
  private let work: PoolWork
  /// It lives until the call has ended.
  private let pool: ProcessPool
  private let core: PoolCore
  @LoopActor private var handle: CallHandle?
  @LoopActor private var isCancelled = false

  init(_ work: PoolWork, in pool: ProcessPool, _ core: PoolCore) {
    self.work = work
    self.pool = pool
    self.core = core
  }

  @LoopActor
  func begin(_ call: PoolCall) {
    do throws(CallError) {
      handle = try core.run(call, completion: ended)
      if isCancelled { cancelNow() }
    } catch {
      work.ended(.failure(error))
    }
  }

  func cancel() {
    onLoop { self.cancelNow() }
  }

  @LoopActor
  private func cancelNow() {
    isCancelled = true
    if let handle { core.cancel(handle) }
  }

  @LoopActor
  private func ended(_ finished: FinishedCall) {
    if case .lost = finished.outcome, let fault = core.fault {
      work.ended(.failure(fault))
    } else {
      work.ended(.finished(finished))
    }
  }
}
