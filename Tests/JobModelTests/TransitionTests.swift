import JobModel
import Testing

@Suite("A job's transitions")
struct TransitionTests {
  static let owner = OwnerID(number: 7)
  static let runBy = RunBy(node: "host", acceptor: 1, pid: 42)
  static let now = Timestamp(microseconds: 1_000_000)
  static let later = Timestamp(microseconds: 9_000_000)
  static let usage = JobUsage(queued: .zero, wall: .seconds(1), cpu: .seconds(1), maxResidentBytes: 4096)

  func queued(maxAttempts: Int = 1) -> Job {
    Job(
      id: JobID(high: 1, low: 2), handler: "noop", executor: .process, state: .queued, input: .json(Array("{}".utf8)),
      maxAttempts: maxAttempts, createdAt: Timestamp(microseconds: 500_000))
  }

  func running(maxAttempts: Int = 1) -> Job {
    queued(maxAttempts: maxAttempts).claimed(by: Self.owner, runBy: Self.runBy, now: Self.now)
  }

  func ended(_ job: Job, _ outcome: JobOutcome) -> Job {
    job.ended(outcome, usage: Self.usage, now: Self.later, retention: .seconds(60), jitter: 0)
  }

  @Test("a claim begins an attempt and forgets what the last one left")
  func claim() {
    var waiting = queued()
    waiting.error = JobError(.crashed, "", attempt: 1)
    waiting.usage = Self.usage
    waiting.progress = JobProgress(completed: 1, total: 2)
    let job = waiting.claimed(by: Self.owner, runBy: Self.runBy, now: Self.now)
    #expect(job.state == .running)
    #expect(job.attempt == 1)
    #expect(job.owner == Self.owner)
    #expect(job.runBy == Self.runBy)
    #expect(job.startedAt == Self.now)
    #expect(job.error == nil && job.usage == nil && job.progress == nil)
    #expect(job.revision == waiting.revision + 1)
  }

  @Test("a success is final, with its result, usage and expiry")
  func success() {
    let result = JobResult(mediaType: "application/json", byteCount: 1, body: .bytes([49]))
    let job = ended(running(maxAttempts: 3), .succeeded(result))
    #expect(job.state == .succeeded)
    #expect(job.result == result)
    #expect(job.error == nil)
    #expect(job.usage == Self.usage)
    #expect(job.owner == nil)
    #expect(job.finishedAt == Self.later)
    #expect(job.expiresAt == Timestamp(microseconds: 69_000_000))
    #expect(job.pastAttempts.isEmpty)
  }

  @Test("every kind of failure of the last attempt is final", arguments: JobError.Kind.allCases.filter { $0 != .lost })
  func lastAttempt(_ kind: JobError.Kind) {
    let error = JobError(kind, "no", attempt: 1)
    let job = ended(running(), .failed(error))
    #expect(job.state == .failed)
    #expect(job.error == error)
    #expect(job.expiresAt != nil)
  }

  @Test(
    "a failure with attempts left waits, unless another attempt would meet the same", arguments: JobError.Kind.allCases)
  func attemptsLeft(_ kind: JobError.Kind) {
    let job = ended(running(maxAttempts: 2), .failed(JobError(kind, "no", attempt: 1)))
    switch kind {
    case .invalidArgs, .cancelled:
      #expect(job.state == .failed)
    case .lost:
      #expect(job.state == .queued)
      #expect(job.countedAttempts == 0)
    case .handlerError, .crashed, .timedOut, .memoryExceeded, .invalidResult:
      #expect(job.state == .scheduled)
      #expect(job.scheduledAt == Self.later.advanced(by: .seconds(1)))
    }
    if !job.state.isFinal {
      #expect(job.pastAttempts.map(\.attempt) == [1])
      #expect(job.pastAttempts.first?.error?.kind == kind)
      #expect(job.owner == nil && job.runBy == nil && job.startedAt == nil && job.expiresAt == nil)
    }
  }

  @Test("a cancelled attempt is final whatever attempts are left")
  func cancelled() {
    let job = ended(running(maxAttempts: 5), .cancelled(JobError(.cancelled, "asked to", attempt: 1)))
    #expect(job.state == .cancelled)
    #expect(job.expiresAt != nil)
  }

  @Test("a lost attempt is repeated three times at most, in its old place, and counts for nothing")
  func lost() {
    var job = queued()
    let place = job.queuedAt
    for time in 1...3 {
      job = job.claimed(by: Self.owner, runBy: Self.runBy, now: Self.now)
      job = ended(job, .failed(JobError(.lost, "gone", attempt: time)))
      #expect(job.state == .queued)
      #expect(job.queuedAt == place)
      #expect(job.countedAttempts == 0)
    }
    job = job.claimed(by: Self.owner, runBy: Self.runBy, now: Self.now)
    #expect(ended(job, .failed(JobError(.lost, "gone", attempt: 4))).state == .failed)
  }

  @Test("a job handed back returns to its old place, any number of times")
  func handedBack() {
    var job = queued()
    let place = job.queuedAt
    for time in 1...20 {
      job = job.claimed(by: Self.owner, runBy: Self.runBy, now: Self.now).handedBack(usage: nil, now: Self.later)
      #expect(job.state == .queued && job.queuedAt == place)
      #expect(job.pastAttempts.count == time)
      #expect(job.countedAttempts == 0)
    }
  }

  @Test("an abandoned job is repeated, but cancelled where that was asked for")
  func abandoned() {
    #expect(running().abandoned(now: Self.now, expiresAt: Self.later).state == .queued)
    let cancelled = running().askedToStop().abandoned(now: Self.now, expiresAt: Self.later)
    #expect(cancelled.state == .cancelled)
    #expect(cancelled.expiresAt == Self.later)
    #expect(cancelled.owner == nil)
  }

  @Test("a job that is due takes the place of the moment it was due")
  func due() {
    var job = queued()
    job.state = .scheduled
    job.scheduledAt = Self.now
    #expect(job.due(now: Self.later).state == .queued)
    #expect(job.due(now: Self.later).queuedAt == Self.now)
  }

  @Test("a retry keeps the past, forgets the end, and allows one attempt more if all are used up")
  func retry() {
    let failed = ended(running(), .failed(JobError(.crashed, "no", attempt: 1)))
    let job = failed.retried(now: Self.later)
    #expect(job.state == .queued && job.queuedAt == Self.later)
    #expect(job.maxAttempts == 2)
    #expect(job.pastAttempts.map(\.error) == [failed.error])
    #expect(job.error == nil && job.result == nil && job.finishedAt == nil && job.expiresAt == nil && job.usage == nil)
    #expect(!job.cancelRequested)
    #expect(job.revision == failed.revision + 1)
  }

  @Test("a retry of a job that never started adds no attempt to its past, and allows none more")
  func retryUnstarted() {
    let cancelled = queued().cancelledInLine(now: Self.now, expiresAt: Self.later)
    #expect(cancelled.state == .cancelled && cancelled.error?.kind == .cancelled)
    let job = cancelled.retried(now: Self.later)
    #expect(job.pastAttempts.isEmpty)
    #expect(job.maxAttempts == 1)
  }
}
