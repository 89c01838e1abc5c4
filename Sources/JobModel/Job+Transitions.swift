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
