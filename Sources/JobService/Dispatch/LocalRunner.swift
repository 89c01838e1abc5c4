import EventLoop
import Glibc
import HandlerAPI
import JobModel

/// Runs attempts in the acceptor's own process: as tasks of Swift's cooperative pool (executor `task`), or each on one of
/// a set of threads (executor `thread`).
///
/// What runs here cannot be killed: an attempt that does not heed its cancellation or its deadline ends for the store and
/// its client all the same, while its slot stays taken until the handler returns.
@LoopActor
final class LocalRunner: JobRunner {
  /// Less what is still taken by handlers that ran on after their attempt was ended.
  var slots: Int { max(0, capacity - overdue) }
  private let capacity: Int
  private var overdue = 0
  private let threads: ThreadExecutors?
  private let instances: HandlerInstances
  private let bodies: BodyOpener
  private var running: [ObjectIdentifier: Run] = [:]

  /// How long a cancelled handler may take to return before its attempt is ended without it.
  static let cancelGrace = Duration.seconds(2)

  @LoopActor
  private final class Run {
    let attempt: Attempt
    let events: any AttemptEvents
    let began = MonotonicClock.now
    var task: Task<Void, Never>?
    var channel: LocalContextChannel?
    var deadline: TimerToken?
    var grace: TimerToken?
    /// Why it was asked to stop; decides how the attempt ends.
    var stop: AttemptEnd.Result?
    var isEnded = false

    init(_ attempt: Attempt, _ events: any AttemptEvents) {
      self.attempt = attempt
      self.events = events
    }
  }

  /// - Parameter threads: the threads to run on; `nil`: as tasks.
  init(slots: Int, threads: ThreadExecutors?, instances: HandlerInstances, bodies: BodyOpener) {
    self.capacity = slots
    self.threads = threads
    self.instances = instances
    self.bodies = bodies
  }

  func start(_ attempt: Attempt, events: any AttemptEvents) {
    let run = Run(attempt, events)
    running[ObjectIdentifier(attempt)] = run
    let channel = LocalContextChannel { progress, printed in
      guard !run.isEnded else { return }
      if let progress { events.progressed(attempt, progress) }
      if !printed.isEmpty { events.printed(attempt, printed) }
    }
    run.channel = channel
    let deadline = attempt.timeout.map { attempt.startedAt.advanced(by: $0) }
    if let timeout = attempt.timeout {
      run.deadline = EpollLoop.shared.schedule(after: timeout) { [weak self] in
        let text = "the job took longer than its timeout of \(DurationText.text(timeout))"
        self?.end(run, .failed(JobError(.timedOut, text, attempt: attempt.job.attempt)))
        run.task?.cancel()
        channel.cancel()
      }
    }
    events.started(attempt, pid: getpid())

    let context = JobContext(
      id: attempt.job.id, attempt: attempt.job.attempt, deadline: deadline, trace: attempt.job.trace,
      channel: channel)
    let handler = attempt.handler.handler
    let input = attempt.job.input
    let (instances, bodies) = (instances, bodies)
    let thread = threads?.next()
    run.task = Task.detached(executorPreference: thread) { [weak self] in
      let reply: HandlerReply
      do {
        let instance = try await instances.instance(of: handler)
        reply = await instance.run(input: try bodies.open(input), context: context)
      } catch {
        reply = .failure(kind: .handlerError, message: "\(error)")
      }
      await self?.returned(run, reply)
    }
  }

  func cancel(_ attempt: Attempt) { stop(attempt, .cancelled, grace: Self.cancelGrace) }

  func interrupt(_ attempt: Attempt) { stop(attempt, .interrupted, grace: .zero) }

  private func stop(_ attempt: Attempt, _ result: AttemptEnd.Result, grace: Duration) {
    guard let run = running[ObjectIdentifier(attempt)], !run.isEnded, run.stop == nil else { return }
    run.stop = result
    run.channel?.cancel()
    run.task?.cancel()
    run.grace = EpollLoop.shared.schedule(after: grace) { [weak self] in self?.end(run, result) }
  }

  private func returned(_ run: Run, _ reply: HandlerReply) {
    run.channel?.flush()
    running[ObjectIdentifier(run.attempt)] = nil
    if run.isEnded {
      overdue -= 1
      run.events.slotsChanged()
      return
    }
    switch (run.stop, reply) {
    case (_, .success(let mediaType, let bytes)):
      // It was done before it noticed that it should stop.
      end(run, .returned(mediaType: mediaType, .bytes(bytes)))
    case (let stop?, .failure): end(run, stop)
    case (nil, .failure(let kind, let message)):
      end(run, .failed(JobError(kind, message, attempt: run.attempt.job.attempt)))
    }
  }

  private func end(_ run: Run, _ result: AttemptEnd.Result) {
    guard !run.isEnded else { return }
    run.isEnded = true
    if running[ObjectIdentifier(run.attempt)] != nil { overdue += 1 }
    for timer in [run.deadline, run.grace] { timer.map(EpollLoop.shared.cancel) }
    let wall = Duration.nanoseconds(Int64(MonotonicClock.now - run.began))
    run.events.ended(run.attempt, AttemptEnd(result: result, wall: wall, cpu: nil, maxResidentBytes: nil))
  }
}
