import EventLoop
import JobModel

/// What those who watch are told.
extension Dispatcher {
  /// A handler may report progress a million times a second; nobody can watch that.
  static let progressInterval = Duration.milliseconds(100)

  /// Adds an event, and wakes the acceptors whose clients watch.
  func tell(_ event: JobEvent) {
    memory.events.post(event)
    for seat in memory.events.seatsToWake(poster: identity.seat) { identity.wake(seat) }
    listener?.happened()
  }

  /// Tells of an attempt's progress, at most so often; the latest report is always told.
  func tellProgress(_ attempt: Attempt) {
    guard attempt.progressTold.all else { return }
    let now = MonotonicClock.now
    let interval = Self.progressInterval.nanosecondsClamped
    let since = now - attempt.progressTold.at
    attempt.progressTold.all = false
    if since >= interval { return tellLastProgress(attempt) }
    EpollLoop.shared.schedule(after: .nanoseconds(Int64(interval - since))) { [weak self, weak attempt] in
      if let attempt { self?.tellLastProgress(attempt) }
    }
  }

  /// Tells what was not told of an attempt's progress.
  func tellLastProgress(_ attempt: Attempt) {
    guard !attempt.progressTold.all, let progress = attempt.progress else { return }
    attempt.progressTold = (MonotonicClock.now, true)
    tell(JobEvent(id: attempt.job.id, revision: attempt.job.revision, .progress(progress)))
  }
}
