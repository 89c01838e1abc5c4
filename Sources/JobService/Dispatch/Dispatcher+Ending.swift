import EventLoop
import JobModel
import JobStore
import Logging

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
    measure(attempt, usage, outcome)
    await saveLog(attempt)
    tellLastProgress(attempt)
    let view = attempt.view
    await write(
      outcome.map { ended(view, $0, usage, now) } ?? view.handedBack(usage: usage, now: now), attempt: view.attempt,
      ifCancelled: { ended(view, .cancelled(Self.cancelledError(view.attempt)), usage, now) })
    forget(attempt)
  }

  private func measure(_ attempt: Attempt, _ usage: JobUsage, _ outcome: JobOutcome?) {
    let number = number(ofHandler: attempt.job.handler)
    let (measurements, seat) = (memory.measurements, identity.seat)
    measurements.waits(number).record(usage.queued, seat: seat)
    measurements.runs(number).record(usage.wall, seat: seat)
    measurements.count(Measurements.AttemptEnding(outcome), of: number, seat: seat)
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
    // Only what failed may be tried again after a while, and random numbers cost a system call.
    var jitter = 0.0
    if case .failed = outcome { jitter = .random(in: 0...1) }
    return job.ended(outcome, usage: usage, now: now, retention: settings.retention, jitter: jitter)
  }

  /// The store being away loses no end: it is offered again every second until it is taken or the store is closed, and if
  /// this process ends first, the job is rescued as lost.
  private func write(_ job: Job, attempt: Int, ifCancelled cancelled: () -> Job) async {
    var job = job
    while true {
      do {
        switch try await store.finishIfStillOwned(job, owner: identity.owner, attempt: attempt) {
        case .written(let revision, let released):
          job.revision = revision
          logEnd(of: job)
          announce(job)
          callForReleased(released)
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

  private func logEnd(of job: Job) {
    let level: Logger.Level = job.error == nil ? .debug : .info
    guard log.logLevel <= level else { return }
    var metadata: Logger.Metadata = [
      "job": "\(job.id)", "handler": "\(job.handler)", "state": "\(job.state.rawValue)",
    ]
    if let error = job.error { metadata["error"] = "\(error.kind.rawValue)" }
    if let signal = job.error?.signal { metadata["signal"] = "\(signal)" }
    if let trace = job.trace { metadata["traceparent"] = "\(trace.parent)" }
    log.log(level: level, "an attempt has ended", metadata: metadata)
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
    if let place = job.batch { bell.ring(place.batch) }
    count(job)
    listener?.changed(job)
    tell(JobEvent(stateOf: job))
    joined(job)
    // If it stood in line for the held jobs of its key, another one does now.
    if job.state == .cancelled, job.concurrencyKey != nil { callForReleased([job.executor]) }
  }

  /// The part of it for other acceptors, and for a job whose row is not at hand.
  func announceChange(of id: JobID) {
    memory.board.markChanged(id)
    let seats = memory.seats
    identity.post(.changed(id), wakingSeatsWhere: { seats.waiters(seat: $0) > 0 })
  }

  /// Those who follow batches are woken by these alone, and not by each of a batch's jobs.
  func announceChange(ofBatch id: JobID) {
    let seats = memory.seats
    identity.post(.changed(id), wakingSeatsWhere: { seats.batchWatchers(seat: $0) > 0 })
    listener?.changed(id)
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
