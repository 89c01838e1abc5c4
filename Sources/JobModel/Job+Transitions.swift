// The ways of a job from one state to the next, as pure functions of the job: the stores write what these return.

extension Job {
  /// The job with an attempt begun: what a claim makes of it.
  public func claimed(by owner: OwnerID, runBy: RunBy, now: Timestamp) -> Job {
    var job = self
    job.state = .running
    job.attempt += 1
    job.owner = owner
    job.runBy = runBy
    job.startedAt = now
    job.progress = nil
    job.usage = nil
    job.error = nil
    job.revision += 1
    return job
  }

  /// The job after its running attempt ended: final, or waiting for another attempt.
  ///
  /// - Parameters:
  ///   - retention: how long a finished job is kept.
  ///   - jitter: 0…1 (see ``RetryPolicy/backoff(attempt:jitter:)``).
  public func ended(
    _ outcome: JobOutcome, usage: JobUsage?, now: Timestamp, retention: Duration, jitter: Double
  ) -> Job {
    var job = self
    job.usage = usage
    job.revision += 1
    switch outcome {
    case .succeeded(let result):
      job.result = result
      job.error = nil
      return job.final(.succeeded, now, retention)
    case .cancelled(let error):
      job.error = error
      return job.final(.cancelled, now, retention)
    case .failed(let error) where error.kind == .lost:
      job.error = error
      job.lostCount += 1
      // The count includes this one: the third repeat is the last.
      return RetryPolicy.repeatsLost(lostCount: lostCount)
        ? job.again(at: nil, now) : job.final(.failed, now, retention)
    case .failed(let error):
      job.error = error
      switch RetryPolicy.afterFailure(error.kind, attempt: countedAttempts, maxAttempts: maxAttempts, jitter: jitter) {
      case .end: return job.final(.failed, now, retention)
      case .retry(let delay): return job.again(at: now.advanced(by: delay), now)
      }
    }
  }

  /// The job given back to the line by an acceptor that stops in order: the attempt does not count, as one that was lost,
  /// but may happen any number of times.
  public func handedBack(usage: JobUsage?, now: Timestamp) -> Job {
    var job = self
    job.usage = usage
    job.revision += 1
    job.error = JobError(.lost, "the server was stopped while the job ran", attempt: attempt)
    job.handedBackCount += 1
    return job.again(at: nil, now)
  }

  /// The job in line, now that it is due. Its place is by the moment it was due, not by when that was noticed.
  public func due(now: Timestamp) -> Job {
    var job = self
    job.state = .queued
    job.queuedAt = min(scheduledAt ?? now, now)
    job.revision += 1
    return job
  }

  /// The running job with what it says of itself; `progress` stays as it was where nothing new is said.
  public func progressed(_ progress: JobProgress?, runBy: RunBy) -> Job {
    var job = self
    job.progress = progress ?? self.progress
    job.runBy = runBy
    job.revision += 1
    return job
  }

  /// The waiting job, ended before an attempt began.
  public func cancelledInLine(now: Timestamp, expiresAt: Timestamp) -> Job {
    var job = askedToStop()
    job.state = .cancelled
    job.error = JobError(.cancelled, "cancelled before it started", attempt: attempt)
    job.finishedAt = now
    job.expiresAt = expiresAt
    return job
  }

  /// The running job, marked to be stopped.
  public func askedToStop() -> Job {
    var job = self
    job.cancelRequested = true
    job.revision += 1
    return job
  }

  /// The running job whose acceptor is gone: cancelled if it was to be, else as any attempt that was lost.
  public func abandoned(now: Timestamp, expiresAt: Timestamp) -> Job {
    let outcome: JobOutcome =
      cancelRequested
      ? .cancelled(JobError(.cancelled, "cancelled; its server went away meanwhile", attempt: attempt))
      : .failed(JobError(.lost, "the server that ran the job went away", attempt: attempt))
    // Lost attempts are repeated at once, so there is no delay to spread.
    return ended(outcome, usage: nil, now: now, retention: now.duration(to: expiresAt), jitter: 0)
  }

  /// The failed or cancelled job in line once more. One more attempt is allowed where all are used up; the last attempt
  /// joins the past ones.
  public func retried(now: Timestamp) -> Job {
    var job = self
    if startedAt != nil {
      job.pastAttempts.append(
        PastAttempt(
          attempt: attempt, startedAt: startedAt, finishedAt: finishedAt, runBy: runBy, usage: usage, error: error))
    }
    job.state = .queued
    job.maxAttempts = max(maxAttempts, countedAttempts + 1)
    job.queuedAt = now
    job.scheduledAt = nil
    job.startedAt = nil
    job.finishedAt = nil
    job.expiresAt = nil
    job.runBy = nil
    job.usage = nil
    job.progress = nil
    job.result = nil
    job.error = nil
    job.cancelRequested = false
    job.callback = nil
    job.revision += 1
    return job
  }

  /// The spool files that belong to the job.
  public var spoolFiles: [String] {
    var names: [String] = []
    if case .file(let name, _, _, _) = input { names.append(name) }
    if case .file(let name) = result?.body { names.append(name) }
    return names
  }

  /// The job back in line as if it had not been claimed: for one whose attempt never began.
  public func unclaimed() -> Job {
    var job = self
    job.state = .queued
    job.attempt -= 1
    job.owner = nil
    job.runBy = nil
    job.startedAt = nil
    // The attempt before, if there was one, is listed already.
    job.error = pastAttempts.last?.error
    job.revision += 1
    return job
  }

  /// The attempts so far that count against `maxAttempts`.
  public var countedAttempts: Int { attempt - lostCount - handedBackCount }

  private func final(_ state: JobState, _ now: Timestamp, _ retention: Duration) -> Job {
    var job = self
    job.state = state
    job.owner = nil
    job.finishedAt = now
    job.expiresAt = now.advanced(by: retention)
    return job
  }

  private func again(at due: Timestamp?, _ now: Timestamp) -> Job {
    var job = self
    job.pastAttempts.append(
      PastAttempt(attempt: attempt, startedAt: startedAt, finishedAt: now, runBy: runBy, usage: usage, error: error))
    job.owner = nil
    job.runBy = nil
    job.startedAt = nil
    job.progress = nil
    job.usage = nil
    if let due {
      job.state = .scheduled
      job.scheduledAt = due
    } else {
      // Its old place in line: `queuedAt` stays.
      job.state = .queued
    }
    return job
  }
}
