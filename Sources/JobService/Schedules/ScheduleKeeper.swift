// Makes the jobs of schedules when they are due. The housekeeper's acceptor runs it; two at once do no harm, because the
// store makes each run once.

import Cron
import EventLoop
import JobModel
import JobStore
import Logging

@LoopActor
final class ScheduleKeeper {
  private let dispatcher: Dispatcher
  private let store: any JobStore
  private let log: Logger
  private var issuer: JobIDIssuer
  /// Whether a job can be taken now, as a client's submit would be.
  var admit: @LoopActor (Job) throws(APIError) -> Void = { _ in }

  private var isRunning = false
  private var isLooking = false
  private var looksAgain = false
  private var timer: TimerToken?
  /// The wall clock less the monotonic one, in microseconds: it jumps when somebody sets the clock.
  private var clockOffset: Int64?
  private var lastPlanned: UInt64 = 0

  private static let pageSize = 100
  /// The clock may be set, and schedules may be written while notices are lost: look again at least so often.
  static let longestWait = Duration.seconds(60)
  static let clockStep: Int64 = 1_000_000
  /// New rules of a time zone hold after so long at the latest.
  static let planInterval = Duration.seconds(3600)

  init(dispatcher: Dispatcher, log: Logger) {
    self.dispatcher = dispatcher
    store = dispatcher.store
    self.log = log
    issuer = JobIDIssuer(key: dispatcher.store.idKey)
  }

  /// This acceptor keeps the schedules from now on.
  func start() {
    isRunning = true
    clockOffset = nil
    look()
  }

  func stop() {
    isRunning = false
    if let timer { EpollLoop.shared.cancel(timer) }
    timer = nil
  }

  /// Looks for what is due: after a schedule was written, or a time has come.
  func look() {
    guard isRunning else { return }
    if isLooking {
      looksAgain = true
      return
    }
    isLooking = true
    Task { await self.work() }
  }

  private func work() async {
    var pause = Self.longestWait
    repeat {
      looksAgain = false
      do {
        if isPlanDoubtful() { try await planAnew() }
        try await runDue()
        if let next = try await store.nextScheduledRun() {
          pause = min(max(Timestamp.now.duration(to: next), .zero), Self.longestWait)
        } else {
          pause = Self.longestWait
        }
      } catch {
        log.error("schedules cannot be kept yet", metadata: ["error": "\(error)"])
        pause = .seconds(1)
      }
    } while looksAgain && isRunning
    isLooking = false
    wait(pause)
  }

  private func wait(_ pause: Duration) {
    if let timer { EpollLoop.shared.cancel(timer) }
    timer = nil
    guard isRunning else { return }
    timer = EpollLoop.shared.schedule(after: max(pause, .milliseconds(1))) { [weak self] in
      self?.timer = nil
      self?.look()
    }
  }

  // MARK: - Runs

  private func runDue() async throws(StoreError) {
    while isRunning {
      let due = try await store.dueSchedules(now: .now, limit: Self.pageSize)
      for schedule in due where isRunning { try await run(schedule) }
      if due.count < Self.pageSize { return }
    }
  }

  private func run(_ schedule: Schedule) async throws(StoreError) {
    guard let due = schedule.nextRunAt else { return }
    let now = Timestamp.now
    let next: Timestamp?
    do throws(CronError) {
      next = try SchedulePlan.next(schedule, after: max(due, now))
    } catch {
      // It stands still until it can be planned again, and shows why.
      return try await advance(schedule, due, .refused("the time zone \(error)"), next: nil)
    }
    guard SchedulePlan.decide(schedule.missed, due: due, now: now) == .submit else {
      return try await advance(schedule, due, .skipped, next: next)
    }
    let job: Job
    do throws(APIError) {
      job = try self.job(of: schedule, now: now)
    } catch {
      return try await advance(schedule, due, .refused(error.problem.detail ?? error.problem.title), next: next)
    }
    let overlapping = schedule.ran(at: due, .overlapping, next: next)
    let made = schedule.ran(at: due, .submitted(job.id), next: next)
    switch try await store.advanceSchedule(schedule, .submit(job, to: made, otherwise: overlapping)) {
    case .changedMeanwhile: break
    case .written(let stored?):
      count(.scheduleRuns)
      dispatcher.submitted(.stored(stored))
    case .written(nil):
      count(.scheduleSkips)
      log.info("the job of a schedule's last run has not ended", metadata: ["schedule": "\(schedule.name)"])
    }
  }

  /// Checked as a client's submit would be: handlers come and go.
  private func job(of schedule: Schedule, now: Timestamp) throws(APIError) -> Job {
    let submission = try Submission(document: schedule.job, handlers: dispatcher.handlers)
    var job = submission.job(id: issuer.next(now: now), now: now)
    job.schedule = schedule.name
    try admit(job)
    return job
  }

  /// After a run that made no job.
  private func advance(
    _ schedule: Schedule, _ due: Timestamp, _ outcome: ScheduleOutcome, next: Timestamp?
  ) async throws(StoreError) {
    let advanced = schedule.ran(at: due, outcome, next: next)
    guard case .written = try await store.advanceSchedule(schedule, .advance(to: advanced)) else { return }
    if case .refused(let reason) = outcome {
      count(.scheduleRefusals)
      log.warning("a schedule made no job", metadata: ["schedule": "\(schedule.name)", "error": "\(reason)"])
    } else {
      count(.scheduleSkips)
      log.info("a missed run of a schedule is skipped", metadata: ["schedule": "\(schedule.name)"])
    }
  }

  private func count(_ counter: Counter) { dispatcher.memory.counters.add(counter, seat: dispatcher.identity.seat) }

  // MARK: - Plans

  private func isPlanDoubtful() -> Bool {
    let offset = Timestamp.now.microseconds - Int64(MonotonicClock.now / 1000)
    let isNew = clockOffset == nil
    let hasJumped = clockOffset.map { abs(offset - $0) > Self.clockStep } ?? false
    // Small corrections add up: each is compared with the one before.
    clockOffset = offset
    if hasJumped { log.notice("the clock was set; schedules are planned anew") }
    return isNew || hasJumped || MonotonicClock.now - lastPlanned > Self.planInterval.nanosecondsClamped
  }

  private func planAnew() async throws(StoreError) {
    var last: String?
    repeat {
      let page = try await store.schedules(after: last, limit: Self.pageSize)
      for schedule in page {
        guard let planned = SchedulePlan.replanned(schedule, now: .now) else { continue }
        _ = try await store.advanceSchedule(schedule, .advance(to: planned))
      }
      last = page.count == Self.pageSize ? page.last?.name : nil
    } while last != nil && isRunning
    lastPlanned = MonotonicClock.now
  }
}
