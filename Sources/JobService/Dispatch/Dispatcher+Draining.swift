import EventLoop
import JobModel

extension Dispatcher {
  /// How long interrupted attempts may take to end, and their ends to be stored: a worker is killed after one second.
  static let interruptLimit = Duration.seconds(2)

  /// Takes nothing more, lets what runs finish within `limit`, then gives the rest back to the line.
  func drain(limit: Duration) async {
    for executor in Array(lanes.keys) {
      lanes[executor]?.state.isClosed = true
      memory.seats.setFree(0, executor, seat: identity.seat)
      returnBacklog(executor)
    }
    await waitUntilIdle(limit: limit)
    for attempt in attempts.values where attempt.phase == .running {
      lanes[attempt.job.executor]?.runner.interrupt(attempt)
    }
    await waitUntilIdle(limit: Self.interruptLimit)
    if !attempts.isEmpty {
      log.warning("jobs are left that did not stop; they are repeated", metadata: ["jobs": "\(attempts.count)"])
    }
  }

  private func waitUntilIdle(limit: Duration) async {
    if isIdle || limit <= .zero { return }
    let timer = EpollLoop.shared.schedule(after: limit) { [weak self] in self?.resumeIdleWaits() }
    await withCheckedContinuation { idleContinuations.append($0) }
    EpollLoop.shared.cancel(timer)
  }

  func resumeIfIdle() {
    if !idleContinuations.isEmpty, isIdle { resumeIdleWaits() }
  }

  /// Nothing runs, and nothing is on its way here: a claim or a submit that is committed later would be left to nobody.
  private var isIdle: Bool { attempts.isEmpty && lanes.values.allSatisfy(\.state.isQuiet) }

  private func resumeIdleWaits() {
    let waiting = idleContinuations
    idleContinuations = []
    for continuation in waiting { continuation.resume() }
  }
}
