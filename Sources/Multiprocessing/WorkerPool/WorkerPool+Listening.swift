// How the pool learns of answers. While it has something to do it finds them in the workers' rings, whenever the loop has
// been around; before the loop sleeps, each worker that has a call is told to ring the bell when it answers.

import EventLoop

extension WorkerPool {
  /// Begins to listen for the bell.
  func listen() {
    let bell = forkServerHandle.tickets.bell.descriptor
    // Never read, it stays readable; each ring is an edge of its own all the same (epoll(7), "edge-triggered").
    EpollLoop.shared.watch(bell, for: [.readable, .edgeTriggered]) { [weak self] _ in self?.hearAll() }
    listening = EpollLoop.shared.addBeforeSleep { [weak self] in self?.hearBeforeSleep() }
  }

  func stopListening() {
    guard let listening else { return }
    self.listening = nil
    EpollLoop.shared.removeBeforeSleep(listening)
    EpollLoop.shared.unwatch(forkServerHandle.tickets.bell.descriptor)
  }

  /// The worker has a call from now on, and will answer.
  func expectAnswer(from handle: WorkerHandle) {
    if handle.isAwaited { return }
    handle.isAwaited = true
    awaited.append(handle)
    // Something else may give it the call after this turn's look before the sleep.
    handle.listen()
  }

  /// The worker is gone.
  func expectNothing(from handle: WorkerHandle) {
    if handle.isAwaited { awaited.removeAll { $0 === handle } }
    handle.isAwaited = false
  }

  private func hearAll() {
    forEachAwaited { handle in
      handle.wake()
      hear(handle, looksInSocket: false)
    }
  }

  /// Zero: there were answers, so the loop is not to sleep.
  private func hearBeforeSleep() -> Duration? {
    if awaited.isEmpty { return nil }
    if spinner.limitNanoseconds > 0, spinner.wait(until: { awaited.contains { $0.hasAnswered } }) {
      hearAll()
      return .zero
    }
    var hasHeard = false
    forEachAwaited { handle in
      if handle.prepareToSleep() { return }
      hasHeard = true
      hear(handle, looksInSocket: false)
    }
    return hasHeard ? .zero : nil
  }

  /// Those that have a call; whoever has none any more is struck off.
  private func forEachAwaited(_ body: (WorkerHandle) -> Void) {
    // By index, because more may be given a call meanwhile.
    var index = 0
    while index < awaited.count {
      let handle = awaited[index]
      if handle.queue.isEmpty || handle.isClosed {
        handle.isAwaited = false
        awaited.swapAt(index, awaited.count - 1)
        awaited.removeLast()
      } else {
        index += 1
        body(handle)
      }
    }
  }
}
