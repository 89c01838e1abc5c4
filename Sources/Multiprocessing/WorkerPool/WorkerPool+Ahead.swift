// Calls that were sent ahead: keeping workers fed with them, and taking them back.

import EventLoop

extension WorkerPool {
  /// Sends ahead what waits; if nothing waits and a worker has nothing to do, it gets calls of another.
  func feed() {
    if isTerminated { return }
    if state.idleCount > 0, state.waitingCount == 0, let (worker, ahead) = state.robbable(),
      let handle = workerHandles[worker]
    {
      let robbed = handle.queue.filter { record in ahead.contains(record.number) }
      _ = takeBack(robbed, from: handle)
    }
    if state.waitingCount == 0 { return }
    if state.idleCount > 0 { perform(state.startWaiting(MonotonicClock.now)) }
    let ahead = state.feed()
    if !ahead.isEmpty { perform(ahead) }
  }

  /// Before a call is cancelled: it waits afterwards, or is the only one of its worker, or has ended.
  func putAside(_ number: UInt64) {
    guard let record = calls[number], let worker = state.calls[number]?.worker, let handle = workerHandles[worker]
    else { return }
    if handle.call !== record, takeBack([record], from: handle) { return }
    takeBackAhead(of: handle)
  }

  /// Leaves a worker with the call it runs.
  func takeBackAhead(of handle: WorkerHandle) {
    // A worker answers one call before it begins the next: where one was begun, the answers before it are there to be read.
    for _ in 0..<TicketPage.count where handle.queue.count > 1 && !handle.isClosed {
      if takeBack(Array(handle.queue.dropFirst()), from: handle) { return }
      hear(handle, looksInSocket: true)
    }
  }

  /// Takes calls back that a worker has not begun, so that they are the first that wait; whether it had begun none of them.
  func takeBack(_ records: [CallRecord], from handle: WorkerHandle) -> Bool {
    var taken: [UInt64] = []
    for record in records where handle.takeBack(record) { taken.append(record.number) }
    if !taken.isEmpty { state.takenBack(taken, from: handle.number) }
    return taken.count == records.count
  }
}
