import EventLoop
import JobModel
import JobStore

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
        Task { await self.returnBacklog(executor) }
      } else {
        self.watchBacklog(executor)
      }
    }
  }

  /// Gives every job of the backlog back to the line, as if it had not been claimed.
  func returnBacklog(_ executor: Executor) async {
    guard let returned = lanes[executor]?.backlog, !returned.isEmpty else { return }
    lanes[executor]?.backlog = []
    lanes[executor]?.state.leftBacklog(returned.count)
    for attempt in returned { attempt.phase = .finishing }
    do {
      let jobs = try await store.returnUnstarted(returned.map { $0.job.id }, owner: identity.owner)
      for attempt in returned where attempts[attempt.job.id] === attempt { attempts[attempt.job.id] = nil }
      for job in jobs { announce(job) }
    } catch {
      log.error("claimed jobs cannot be returned; keeping them", metadata: ["error": "\(error)"])
      for attempt in returned {
        attempt.phase = .backlog
        attempt.since = MonotonicClock.now
        lanes[executor]?.backlog.append(attempt)
        lanes[executor]?.state.backlogged()
      }
      startNext(executor)
      watchBacklog(executor)
    }
    resumeIfIdle()
  }
}
