import EventLoop
import HandlerAPI
import JobModel
import Multiprocessing

/// One attempt of one job in this acceptor, from its claim until its end is in the store.
@LoopActor
final class Attempt {
  enum Phase {
    /// Claimed; waits here for a slot of its executor.
    case backlog
    case running
    /// Its end is on its way into the store.
    case finishing
  }

  /// As claimed; ``view`` is how it looks now.
  let job: Job
  let handler: RegisteredHandler
  var phase = Phase.backlog
  /// When it entered the backlog or began to run, on the monotonic clock.
  var since = MonotonicClock.now
  var startedAt: Timestamp
  var pid: Int32
  var progress: JobProgress?
  /// Progress or pid have changed since they were last written.
  var isDirty = false
  /// When those who watch were last told of progress, on the monotonic clock, and whether there is more to tell.
  var progressTold = (at: UInt64(0), all: true)
  var log = LogBuffer()
  var cancelRequested: Bool

  init(_ job: Job, _ handler: RegisteredHandler) {
    self.job = job
    self.handler = handler
    startedAt = job.startedAt ?? job.createdAt
    pid = job.runBy?.pid ?? 0
    cancelRequested = job.cancelRequested
  }

  /// The job with what is known here and not yet in the store.
  var view: Job {
    var view = job
    view.progress = progress
    view.runBy?.pid = pid
    view.startedAt = startedAt
    view.cancelRequested = cancelRequested
    return view
  }

  var timeout: Duration? { job.timeout ?? handler.timeout }
}

/// How a runner says an attempt ended.
struct AttemptEnd: Sendable {
  enum Result: Sendable {
    case returned(mediaType: String, Payload)
    case failed(JobError)
    case cancelled
    /// The runner was told to stop for the server's sake, not the job's.
    case interrupted
  }
  var result: Result
  var wall: Duration
  var cpu: Duration? = nil
  var maxResidentBytes: Int? = nil
}

/// What runs attempts of one executor.
@LoopActor
protocol JobRunner: AnyObject {
  /// Attempts it can run at once.
  var slots: Int { get }

  /// Starts an attempt. `events` hears of it until `ended`, which comes exactly once.
  func start(_ attempt: Attempt, events: any AttemptEvents)

  /// Asks a running attempt to stop, and makes it: the attempt then ends as `.cancelled`.
  func cancel(_ attempt: Attempt)

  /// Ends a running attempt for the server's sake: it then ends as `.interrupted`.
  func interrupt(_ attempt: Attempt)
}

/// What a runner tells about an attempt.
@LoopActor
protocol AttemptEvents: AnyObject {
  func started(_ attempt: Attempt, pid: Int32)
  func progressed(_ attempt: Attempt, _ progress: JobProgress)
  func printed(_ attempt: Attempt, _ bytes: [UInt8])
  func ended(_ attempt: Attempt, _ end: AttemptEnd)
  /// The runner has more or fewer slots than before.
  func slotsChanged()
}
