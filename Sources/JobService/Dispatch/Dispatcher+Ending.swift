import EventLoop
import JobModel
import JobStore

extension Dispatcher {
  /// Writes how an attempt ended, tells whom it concerns, and forgets the attempt.
  func finish(_ attempt: Attempt, _ end: AttemptEnd) async {
    let now = Timestamp.now
    let usage = JobUsage(
      queued: (attempt.job.scheduledAt.map { max($0, attempt.job.queuedAt) } ?? attempt.job.queuedAt)
        .duration(to: attempt.startedAt),
      wall: end.wall, cpu: end.cpu, maxResidentBytes: end.maxResidentBytes)
    let outcome: JobOutcome?
    switch end.result {
    case .returned(let mediaType, let payload):
      if payload.byteCount > results.limitBytes { memory.counters.addRefusal(.result, seat: identity.seat) }
      outcome = await results.keep(mediaType: mediaType, payload, for: attempt.job)
    case .failed(let error): outcome = .failed(error)
    case .cancelled: outcome = .cancelled(Self.cancelledError(attempt.job.attempt))
    case .interrupted: outcome = nil
    }
    await saveLog(attempt)
    tellLastProgress(attempt)
    let view = attempt.view
    await write(
      outcome.map { ended(view, $0, usage, now) } ?? view.handedBack(usage: usage, now: now), attempt: view.attempt,
      ifCancelled: { ended(view, .cancelled(Self.cancelledError(view.attempt)), usage, now) })
    forget(attempt)
  }

  /// Ends a claimed job that never reached a runner.
  func finishUnstarted(_ job: Job, _ outcome: JobOutcome) async {
    let ended = ended(job, outcome, nil, .now)
    await write(ended, attempt: job.attempt, ifCancelled: { ended })
  }

  /// Gives a claimed job that never began back to the line.
  func giveBack(_ attempt: Attempt) async {
    let job = attempt.job
    await write(
      job.unclaimed(), attempt: job.attempt,
      ifCancelled: { ended(job, .cancelled(Self.cancelledError(job.attempt)), nil, .now) })
    forget(attempt)
  }

  static func cancelledError(_ attempt: Int) -> JobError {
    JobError(.cancelled, "the job was cancelled while it ran", attempt: attempt)
  }

  private func ended(_ job: Job, _ outcome: JobOutcome, _ usage: JobUsage?, _ now: Timestamp) -> Job {
    job.ended(outcome, usage: usage, now: now, retention: settings.retention, jitter: .random(in: 0...1))
  }

  /// The store being away loses no end: it is offered again every second until it is taken or the store is closed, and if
  /// this process ends first, the job is rescued as lost.
  private func write(_ job: Job, attempt: Int, ifCancelled cancelled: () -> Job) async {
    var job = job
    while true {
      do {
        switch try await store.finishIfStillOwned(job, owner: identity.owner, attempt: attempt) {
        case .written(let revision):
          job.revision = revision
          announce(job)
          return
        case .cancelRequested:
          job = cancelled()
        case .notOwned:
          log.warning("an attempt ended that no longer owned its job", metadata: ["job": "\(job.id)"])
          memory.board.markChanged(job.id)
          await discardResult(of: job)
          return
        }
      } catch {
        log.error("the end of a job cannot be stored yet", metadata: ["job": "\(job.id)", "error": "\(error)"])
        if error.kind == .closed { return }
        await EpollLoop.shared.sleep(.seconds(1))
      }
    }
  }

  /// Removes the file of a result that no row will ever name.
  private func discardResult(of job: Job) async {
    guard case .file(let name)? = job.result?.body else { return }
    do {
      try await results.discard(name)
    } catch {
      log.warning("a spool file cannot be removed", metadata: ["job": "\(job.id)", "error": "\(error)"])
    }
  }

  /// Tells every acceptor and every client that waits of a committed change.
  func announce(_ job: Job) {
    announceChange(of: job.id)
    count(job)
    listener?.changed(job)
    tell(JobEvent(stateOf: job))
    joined(job)
    // It was one of those that run with its key: the store may have let another one into the line, of any executor.
    if job.concurrencyKey != nil { callForReleased(Set(Executor.allCases)) }
  }

  /// The part of it for other acceptors, and for a job whose row is not at hand.
  func announceChange(of id: JobID) {
    memory.board.markChanged(id)
    let seats = memory.seats
    identity.post(.changed(id), wakingSeatsWhere: { seats.waiters(seat: $0) > 0 })
  }

  private func count(_ job: Job) {
    let counter: Counter? =
      switch job.state {
      case .succeeded: .jobsSucceeded
      case .failed: .jobsFailed
      case .cancelled: .jobsCancelled
      case .scheduled: .attemptsRetried
      // An attempt that ended without a failure of its own; not one that never began, nor a retry.
      case .queued: job.error?.kind == .lost && job.pastAttempts.last?.attempt == job.attempt ? .attemptsLost : nil
      case .running: nil
      }
    if let counter { memory.counters.add(counter, seat: identity.seat) }
  }

  func forget(_ attempt: Attempt) {
    if attempts[attempt.job.id] === attempt { attempts[attempt.job.id] = nil }
    resumeIfIdle()
  }
}
