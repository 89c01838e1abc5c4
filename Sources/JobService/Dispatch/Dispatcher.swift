// Takes jobs from submits and from the line in the store, gives them to the runners, and writes their ends back: the
// whole life of a job inside one acceptor.
//
// It owns this acceptor's attempts. It must not know HTTP. What it decides about counts is LaneState's, about states
// JobModel's; which rows really change is the store's word.

import EventLoop
import HandlerAPI
import JobModel
import JobStore
import Logging

@LoopActor
final class Dispatcher: AttemptEvents {
  struct Settings: Sendable {
    var node: String
    var retention: Duration
    var logLimitBytes: Int
  }

  struct Lane {
    var state: LaneState
    let runner: any JobRunner
    var backlog: [Attempt] = []
  }

  let identity: AcceptorIdentity
  let settings: Settings
  let store: any JobStore
  let memory: ServiceMemory
  let handlers: HandlerRegistry
  let results: ResultKeeper
  let log: Logger
  /// Their numbers in the measurements.
  private let handlerNumbers: [String: Int]

  var lanes: [Executor: Lane] = [:]
  var attempts: [JobID: Attempt] = [:]
  var notesTimer: TimerToken?
  var backlogTimers: [Executor: TimerToken] = [:]
  var earlyStops = EarlyStops()
  var idleContinuations: [CheckedContinuation<Void, Never>] = []
  /// Of the batches that were claimed from lately.
  var chunkSizes: [JobID: Int] = [:]
  private(set) lazy var bell = BatchBell { [weak self] id in self?.announceChange(ofBatch: id) }

  /// Hears of every committed change made here, and of progress.
  weak var listener: (any JobChangeListener)?

  init(
    identity: AcceptorIdentity, settings: Settings, store: any JobStore, memory: ServiceMemory,
    handlers: HandlerRegistry, results: ResultKeeper, runners: [Executor: any JobRunner], log: Logger
  ) {
    self.identity = identity
    self.settings = settings
    self.store = store
    self.memory = memory
    self.handlers = handlers
    self.results = results
    self.log = log
    handlerNumbers = Dictionary(
      uniqueKeysWithValues: memory.measurements.handlers.all.enumerated().map { ($1, $0) })
    for (executor, runner) in runners {
      // Ten thousand tasks need no backlog: their slots are never short.
      let state = LaneState(slots: runner.slots, claimsAhead: executor != .task)
      lanes[executor] = Lane(state: state, runner: runner)
      memory.seats.setPace(executor, slots: state.slots, averageMicroseconds: nil, seat: identity.seat)
    }
  }

  /// The number that a handler has in the measurements.
  func number(ofHandler name: String) -> Int { handlerNumbers[name] ?? HandlerNames.capacity - 1 }

  var runBy: RunBy { RunBy(node: settings.node, acceptor: identity.seat, pid: 0) }

  // MARK: - Claiming

  /// Takes from the line what there is room for.
  func fill(_ executor: Executor) {
    guard var lane = lanes[executor] else { return }
    // Published before the line's generation is read (see SeatBoard.setFree).
    memory.seats.setFree(lane.state.hasFreeSlot ? lane.state.room : 0, executor, seat: identity.seat)
    memory.seats.setRunning(lane.state.running, executor, seat: identity.seat)
    let generation = memory.board.lineGeneration(executor)
    // What a sibling gives back at the server's end is for the next start.
    let size = identity.isServerStopping() ? 0 : lane.state.claimSize(lineGeneration: generation)
    if size > 0 { lane.state.claimBegan(size) }
    lanes[executor] = lane
    if size > 0 { Task { await self.claim(executor, size, generation) } }
  }

  private func claim(_ executor: Executor, _ size: Int, _ generation: UInt64) async {
    let pauses = memory.board.pauses
    let request = ClaimRequest(executor: executor, limit: size, owner: identity.owner, runBy: runBy, now: .now)
    let jobs: [Job]
    do {
      jobs = try await store.claim(request)
    } catch {
      log.error("the line cannot be read; trying again in a second", metadata: ["error": "\(error)"])
      // The lane counts as claiming meanwhile, so nothing else asks.
      EpollLoop.shared.schedule(after: .seconds(1)) { [weak self] in
        self?.lanes[executor]?.state.claimFailed()
        self?.fill(executor)
        self?.resumeIfIdle()
      }
      return
    }
    lanes[executor]?.state.claimEnded(found: jobs.count, lineGeneration: generation)
    keepChunks(of: jobs, executor)
    memory.board.markLeft(executor, count: jobs.count)
    for job in jobs {
      memory.board.markChanged(job.id)
      if let place = job.batch { bell.ring(place.batch) }
      listener?.changed(job)
      tell(JobEvent(stateOf: job))
      take(job)
    }
    // A queue that was paused while the claim was on its way did not find these jobs here.
    if memory.board.pauses != pauses { await returnPaused() }
    fill(executor)
    resumeIfIdle()
  }

  /// Puts a job that is `running` under this owner to work.
  func take(_ job: Job) {
    guard let handler = handlers[job.handler] else {
      let text = "this server has no handler named '\(job.handler)' any more"
      Task { await self.finishUnstarted(job, .failed(JobError(.handlerError, text, attempt: job.attempt))) }
      return
    }
    let attempt = Attempt(job, handler, logLimitBytes: settings.logLimitBytes)
    attempts[job.id] = attempt
    if earlyStops.mayConcern(job.id, now: MonotonicClock.now) { Task { await self.stopIfCancelled(job.id) } }
    guard var lane = lanes[job.executor] else { preconditionFailure("no lane for executor \(job.executor)") }
    if lane.state.isClosed {
      // Its claim was under way when the lane closed.
      attempt.phase = .finishing
      Task { await self.giveBack(attempt) }
    } else if lane.state.hasFreeSlot {
      start(attempt)
    } else {
      lane.state.backlogged()
      lane.backlog.append(attempt)
      lanes[job.executor] = lane
      watchBacklog(job.executor)
    }
  }

  private func start(_ attempt: Attempt) {
    let executor = attempt.job.executor
    lanes[executor]?.state.started()
    attempt.phase = .running
    attempt.since = MonotonicClock.now
    attempt.startedAt = .now
    memory.counters.add(.attemptsStarted, seat: identity.seat)
    memory.seats.setRunning(lanes[executor]?.state.running ?? 0, executor, seat: identity.seat)
    lanes[executor]?.runner.start(attempt, events: self)
  }

  /// Gives free slots to the backlog.
  func startNext(_ executor: Executor) {
    if let slots = lanes[executor]?.runner.slots { lanes[executor]?.state.slots = slots }
    while let lane = lanes[executor], lane.state.hasFreeSlot, let next = lane.backlog.first {
      lanes[executor]?.backlog.removeFirst()
      lanes[executor]?.state.leftBacklog()
      start(next)
    }
  }

  private func publishPace(_ executor: Executor) {
    guard let state = lanes[executor]?.state else { return }
    memory.seats.setPace(
      executor, slots: state.slots, averageMicroseconds: state.averageRunMicroseconds, seat: identity.seat)
  }

  // MARK: - AttemptEvents

  func started(_ attempt: Attempt, pid: Int32) {
    attempt.pid = pid
    attempt.isDirty = true
    noteSoon()
  }

  func progressed(_ attempt: Attempt, _ progress: JobProgress) {
    attempt.progress = progress
    attempt.isDirty = true
    noteSoon()
    listener?.progressed(attempt.view)
    tellProgress(attempt)
  }

  func printed(_ attempt: Attempt, _ bytes: [UInt8]) {
    if attempt.log.append(bytes) { memory.counters.addRefusal(.log, seat: identity.seat) }
    noteSoon()
  }

  func slotsChanged() {
    for executor in Array(lanes.keys) {
      startNext(executor)
      publishPace(executor)
      fill(executor)
    }
  }

  func ended(_ attempt: Attempt, _ end: AttemptEnd) {
    let executor = attempt.job.executor
    lanes[executor]?.state.ended(runMicroseconds: Double(end.wall.microsecondsClamped))
    publishPace(executor)
    attempt.phase = .finishing
    startNext(executor)
    fill(executor)
    Task { await self.finish(attempt, end) }
  }
}
