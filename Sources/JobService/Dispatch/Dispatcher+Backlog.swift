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
    for attempt in returned {
      attempt.phase = .finishing
      Task { await self.giveBack(attempt) }
    }
  }
}
