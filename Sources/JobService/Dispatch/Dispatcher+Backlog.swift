import EventLoop
import JobModel

/// A backlog is worth milliseconds. What waits longer, because a long job came between, goes back to the line for others.
extension Dispatcher {
  static let backlogPatience = Duration.milliseconds(50)

  func watchBacklog(_ executor: Executor) {
    guard backlogTimers[executor] == nil else { return }
    backlogTimers[executor] = EpollLoop.shared.schedule(after: Self.backlogPatience) { [weak self] in
      guard let self else { return }
      self.backlogTimers[executor] = nil
      guard let first = self.lanes[executor]?.backlog.first else { return }
      if MonotonicClock.now - first.since >= Self.backlogPatience.nanosecondsClamped {
        self.returnBacklog(executor)
      } else {
        self.watchBacklog(executor)
      }
    }
  }

  /// Gives every job of the backlog back to the line, as if it had not been claimed. The writes share a commit.
  func returnBacklog(_ executor: Executor) {
    guard let returned = lanes[executor]?.backlog, !returned.isEmpty else { return }
    lanes[executor]?.backlog = []
    lanes[executor]?.state.backlogReturned()
    giveBack(returned)
  }

  private func giveBack(_ returned: [Attempt]) {
    for attempt in returned {
      attempt.phase = .finishing
      Task { await self.giveBack(attempt) }
    }
  }

  /// Gives back what was claimed ahead from queues that are paused now.
  func returnPaused() async {
    if lanes.values.allSatisfy(\.backlog.isEmpty) { return }
    let paused: Set<String>
    do {
      paused = try await store.pausedQueues()
    } catch {
      log.error("it cannot be read which queues are paused", metadata: ["error": "\(error)"])
      return
    }
    for executor in Array(lanes.keys) {
      guard let returned = lanes[executor]?.backlog.filter({ paused.contains($0.job.queue) }) else { continue }
      lanes[executor]?.backlog.removeAll { paused.contains($0.job.queue) }
      for _ in returned { lanes[executor]?.state.leftBacklog() }
      giveBack(returned)
    }
  }
}
