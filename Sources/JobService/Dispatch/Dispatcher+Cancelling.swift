import EventLoop
import JobModel
import JobStore

extension Dispatcher {
  /// Ends a job that waits, or stops a running one wherever it runs.
  func cancel(_ id: JobID) async throws(StoreError) -> CancelDecision {
    let now = Timestamp.now
    let decision = try await store.requestCancel(id, now: now, expiresAt: now.advanced(by: settings.retention))
    switch decision {
    case .cancelled(let job): cancelledInLine(job)
    case .stopping(let job): stopAnywhere(job)
    case .alreadyEnded, .unknown: break
    }
    return decision
  }

  /// A job that waited has been cancelled in the store.
  func cancelledInLine(_ job: Job) {
    memory.board.markLeft(job.executor, count: job.scheduledAt == nil ? 1 : 0)
    announce(job)
  }

  /// A job that runs has been marked in the store: whoever runs it is told.
  func stopAnywhere(_ job: Job) {
    memory.board.markChanged(job.id)
    if !stopHere(job.id) { identity.postToAll(.cancel(job.id)) }
    listener?.changed(job)
  }

  /// Stops an attempt of this acceptor; does nothing where the job is not here.
  func stop(_ id: JobID) {
    guard let attempt = attempts[id], !attempt.cancelRequested else { return }
    attempt.cancelRequested = true
    switch attempt.phase {
    case .backlog:
      let executor = attempt.job.executor
      if let place = lanes[executor]?.backlog.firstIndex(where: { $0 === attempt }) {
        lanes[executor]?.backlog.remove(at: place)
        lanes[executor]?.state.leftBacklog()
      }
      attempt.phase = .finishing
      Task {
        await self.finishUnstarted(attempt.job, .cancelled(Self.cancelledError(attempt.job.attempt)))
        self.forget(attempt)
      }
    case .running:
      lanes[attempt.job.executor]?.runner.cancel(attempt)
    case .finishing:
      break
    }
  }

  /// Stops a job that is here, or on its way here; false: it is not here.
  @discardableResult
  func stopHere(_ id: JobID) -> Bool {
    // What is finishing may be an earlier attempt: the job was retried at once, and the next attempt is who knows where.
    if let attempt = attempts[id], attempt.phase != .finishing {
      stop(id)
      return true
    }
    earlyStops.ask(id, now: MonotonicClock.now)
    return false
  }

  /// The row decides: the job may have been queued once more since it was to be stopped.
  func stopIfCancelled(_ id: JobID) async {
    do {
      if try await store.job(id)?.cancelRequested == true { stop(id) }
    } catch {
      log.error("cannot look whether a job was cancelled", metadata: ["job": "\(id)", "error": "\(error)"])
    }
  }

  /// Looks up which of this acceptor's jobs were asked to stop: after notices were missed.
  func stopWhatWasCancelled() async {
    earlyStops.miss(now: MonotonicClock.now)
    for id in Array(attempts.keys) { await stopIfCancelled(id) }
  }
}
