import EventLoop
import JobModel

/// A backlog is worth milliseconds. What waits longer, because a long job came between, goes back to the line for others.
extension Dispatcher {
  static let backlogPatience = Duration.milliseconds(50)
  /// Of a batch that asked for more than one job at once: its jobs are not meant to be short.
  static let chunkPatience = Duration.seconds(1)

  private func patience(_ executor: Executor) -> Duration {
    lanes[executor].map { $0.state.chunkSize > 1 } ?? false ? Self.chunkPatience : Self.backlogPatience
  }

  func watchBacklog(_ executor: Executor) {
    guard backlogTimers[executor] == nil else { return }
    backlogTimers[executor] = EpollLoop.shared.schedule(after: patience(executor)) { [weak self] in
      guard let self else { return }
      self.backlogTimers[executor] = nil
      guard let first = self.lanes[executor]?.backlog.first else { return }
      if MonotonicClock.now - first.since >= self.patience(executor).nanosecondsClamped {
        self.returnBacklog(executor)
      } else {
        self.watchBacklog(executor)
      }
    }
  }

  /// Claims as many at once as the batch says that `jobs`, just claimed, belong to.
  func keepChunks(of jobs: [Job], _ executor: Executor) {
    guard let place = jobs.last?.batch else {
      if !jobs.isEmpty { lanes[executor]?.state.chunkSize = 1 }
      return
    }
    if let size = chunkSizes[place.batch] {
      lanes[executor]?.state.chunkSize = size
      return
    }
    Task {
      do {
        let size = try await store.batch(place.batch)?.chunkSize ?? 1
        if chunkSizes.count >= Self.knownChunkSizes { chunkSizes.removeAll() }
        chunkSizes[place.batch] = size
        lanes[executor]?.state.chunkSize = size
        fill(executor)
      } catch {
        // Claimed one by one meanwhile; the next claim asks again.
        log.warning("a batch cannot be read", metadata: ["batch": "\(place.batch)", "error": "\(error)"])
      }
    }
  }

  private static let knownChunkSizes = 100

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
