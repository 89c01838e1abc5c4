import EventLoop
import Glibc
import HandlerAPI
import JobModel
import Logging
import Multiprocessing

/// Runs attempts in worker processes: the executor `process`. Turns what the pool tells about calls into what the
/// dispatcher is told about attempts, and keeps the table of workers for `/v1/processes`.
@LoopActor
final class ProcessRunner: JobRunner {
  private let pool: WorkerPool
  private let bodies: BodyOpener
  private let seat: Int
  private let memory: ServiceMemory
  private let memoryLimitBytes: Int
  private let log: Logger
  private var running: [ObjectIdentifier: Run] = [:]
  private var seenRestarts = 0
  private var isShowing = false
  /// Called when there will be no worker any more: this acceptor cannot do its part and has to be replaced.
  var onGone: (@LoopActor () -> Void)?

  private struct Run {
    /// `nil`: its input is made ready to be sent.
    var handle: CallHandle?
    let attempt: Attempt
    var isCancelled = false
    var isInterrupted = false
  }

  /// How often the table of workers is brought up to date while they work.
  static let showInterval = Duration.milliseconds(100)

  /// - Parameter memoryLimitBytes: of a job whose handler has no limit of its own.
  init(
    pool: WorkerPool, bodies: BodyOpener, seat: Int, memory: ServiceMemory, memoryLimitBytes: Int, log: Logger
  ) {
    self.pool = pool
    self.bodies = bodies
    self.seat = seat
    self.memory = memory
    self.memoryLimitBytes = memoryLimitBytes
    self.log = log
    pool.onStrayOutput = { pid, bytes in
      let text = String(decoding: bytes.prefix(2000), as: UTF8.self)
      log.info("a worker printed", metadata: ["pid": "\(pid)", "text": "\(text)"])
    }
    pool.onForkServerTrouble = { [weak self] trouble in
      log.error("the fork server is in trouble", metadata: ["trouble": "\(trouble)"])
      if trouble == .gone { self?.onGone?() }
    }
    pool.onIdle = { [weak self] in self?.showSoon() }
    showSoon()
  }

  var slots: Int { pool.isGone ? 0 : pool.size }

  func start(_ attempt: Attempt, events: any AttemptEvents) {
    running[ObjectIdentifier(attempt)] = Run(attempt: attempt)
    do {
      let call = try call(attempt)
      if call.argument.isReadyToSend {
        try begin(call, attempt, events)
      } else {
        Task { await makeReady(call, attempt, events) }
      }
    } catch {
      refused(attempt, events, error)
    }
    showSoon()
  }

  /// Begins a call with a large input, which is first copied to where it is sent from: milliseconds that others on the loop
  /// should not wait for.
  private func makeReady(_ call: PoolCall, _ attempt: Attempt, _ events: any AttemptEvents) async {
    do {
      var call = call
      let argument = call.argument
      call.argument = try await Task.detached { try argument.readyToSend() }.value
      if let run = running[ObjectIdentifier(attempt)], run.isCancelled {
        running[ObjectIdentifier(attempt)] = nil
        let result: AttemptEnd.Result = run.isInterrupted ? .interrupted : .cancelled
        return events.ended(attempt, AttemptEnd(result: result, wall: .zero))
      }
      try begin(call, attempt, events)
    } catch {
      refused(attempt, events, error)
    }
  }

  private func begin(_ call: PoolCall, _ attempt: Attempt, _ events: any AttemptEvents) throws {
    let handle = try pool.run(call, events: callEvents(attempt, events)) { [weak self] finished in
      self?.finished(attempt, events, finished)
    }
    running[ObjectIdentifier(attempt)]?.handle = handle
  }

  private func refused(_ attempt: Attempt, _ events: any AttemptEvents, _ error: any Error) {
    running[ObjectIdentifier(attempt)] = nil
    let result: AttemptEnd.Result
    switch error {
    // Not the job's fault: it goes back to the line.
    case PoolRefusal.noForkServer, PoolRefusal.closed: result = .interrupted
    default:
      let text = "the job could not be given to a worker: \(error)"
      result = .failed(JobError(.handlerError, text, attempt: attempt.job.attempt))
    }
    // The end must not come from within `start`.
    Task { events.ended(attempt, AttemptEnd(result: result, wall: .zero)) }
  }

  private func call(_ attempt: Attempt) throws -> PoolCall {
    let job = attempt.job
    var header = AttemptHeader(
      id: job.id, attempt: job.attempt, deadline: attempt.timeout.map { attempt.startedAt.advanced(by: $0) },
      handler: job.handler, form: .json, mediaType: "", trace: job.trace, args: [])
    let argument: Payload
    switch job.input {
    case .json(let text): argument = .bytes(text)
    case .body(let bytes, let mediaType, let args):
      argument = .bytes(bytes)
      (header.form, header.mediaType, header.args) = (.body, mediaType, args)
    case .file(let name, let byteCount, let mediaType, let args):
      argument = .file(SharedFile(owning: try bodies.spool.openFile(name)), byteCount: byteCount)
      (header.form, header.mediaType, header.args) = (.body, mediaType, args)
    }
    return PoolCall(
      WorkerGlue.functionName, header: header.bytes, argument: argument, timeout: attempt.timeout,
      memoryLimitBytes: UInt64(attempt.handler.memoryLimitBytes ?? memoryLimitBytes), tag: job.id.bytes)
  }

  private func callEvents(_ attempt: Attempt, _ events: any AttemptEvents) -> CallEvents {
    CallEvents(
      onStarted: { events.started(attempt, pid: $0) },
      onProgress: { bytes in
        if let progress = ProgressText.progress(bytes) { events.progressed(attempt, progress) }
      },
      onOutput: { events.printed(attempt, Array($0)) })
  }

  func cancel(_ attempt: Attempt) {
    running[ObjectIdentifier(attempt)]?.isCancelled = true
    if let handle = running[ObjectIdentifier(attempt)]?.handle { pool.cancel(handle) }
  }

  func interrupt(_ attempt: Attempt) {
    running[ObjectIdentifier(attempt)]?.isInterrupted = true
    cancel(attempt)
  }

  private func finished(_ attempt: Attempt, _ events: any AttemptEvents, _ call: FinishedCall) {
    let run = running.removeValue(forKey: ObjectIdentifier(attempt))
    showSoon()
    if let pid = call.workerPID { attempt.pid = pid }
    if let counter = Self.counter(call.outcome) { memory.counters.add(counter, seat: seat) }
    events.ended(
      attempt,
      AttemptEnd(
        result: result(call.outcome, attempt, isInterrupted: run?.isInterrupted ?? false), wall: call.usage.wall,
        cpu: call.usage.cpu, maxResidentBytes: Int(clamping: call.usage.peakMemoryBytes)))
  }

  /// What a worker's end under a call is counted as.
  private static func counter(_ outcome: CallOutcome) -> Counter? {
    switch outcome {
    case .crashed: .workersCrashed
    case .timedOut: .workersTimedOut
    case .memoryExceeded: .workersOutOfMemory
    case .lost: .workersLost
    case .returned, .threw, .cancelled, .cpuTimeExceeded, .unprepared: nil
    }
  }

  private func result(_ outcome: CallOutcome, _ attempt: Attempt, isInterrupted: Bool) -> AttemptEnd.Result {
    let number = attempt.job.attempt
    func failed(_ kind: JobError.Kind, _ message: String) -> AttemptEnd.Result {
      .failed(JobError(kind, message, attempt: number))
    }
    switch outcome {
    case .returned(let payload, let meta):
      return .returned(mediaType: String(decoding: meta, as: UTF8.self), payload)
    case .threw(let bytes):
      let error = FailureText.error(bytes, attempt: number)
      return error.kind == .cancelled ? .cancelled : .failed(error)
    case .crashed(let crash):
      let signal = crash.signal.map(SignalName.name)
      let how = signal.map { "was ended by \($0)" } ?? "left with exit status \(crash.exitStatus ?? 0)"
      return .failed(
        JobError(
          .crashed, "the worker process \(how)", attempt: number, signal: signal,
          exitStatus: crash.exitStatus.map(Int.init), backtrace: crash.backtrace))
    case .timedOut:
      let limit = attempt.timeout.map(DurationText.text) ?? "its limit"
      return failed(.timedOut, "the job took longer than its timeout of \(limit)")
    case .cpuTimeExceeded: return failed(.timedOut, "the job took more CPU time than its limit")
    case .unprepared(let bytes): return .failed(FailureText.error(bytes, attempt: number))
    case .memoryExceeded:
      let limit = attempt.handler.memoryLimitBytes ?? memoryLimitBytes
      return failed(.memoryExceeded, "the job took more memory than its limit of \(limit) bytes")
    case .cancelled: return isInterrupted ? .interrupted : .cancelled
    case .lost(let reason): return isInterrupted ? .interrupted : failed(.lost, reason)
    }
  }

  // MARK: - The table of workers

  private func showSoon() {
    guard !isShowing else { return }
    isShowing = true
    EpollLoop.shared.schedule(after: Self.showInterval) { [weak self] in
      self?.isShowing = false
      self?.show()
    }
  }

  private func show() {
    let workers = pool.workers.prefix(WorkerTable.rowsASeat)
    for index in 0..<max(workers.count, shownRows) {
      let row = index < workers.count ? workers[index] : nil
      memory.workers.set(
        row.map { WorkerTable.Row(pid: $0.pid, job: $0.tag.flatMap { JobID(bytes: $0) }, jobsDone: $0.callsDone) },
        at: index, seat: seat)
    }
    shownRows = workers.count
    memory.seats.setForkServer(pid: pool.forkServerPID ?? 0, restarts: pool.forkServerRestarts, seat: seat)
    let restarts = pool.restarts
    if restarts > seenRestarts {
      memory.counters.add(.workersReplaced, restarts - seenRestarts, seat: seat)
      seenRestarts = restarts
    }
  }

  private var shownRows = 0
}

/// Names of signals, as programmers know them.
enum SignalName {
  private static let names: [Int32: String] = [
    SIGHUP: "SIGHUP", SIGINT: "SIGINT", SIGQUIT: "SIGQUIT", SIGILL: "SIGILL", SIGTRAP: "SIGTRAP", SIGABRT: "SIGABRT",
    SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGKILL: "SIGKILL", SIGUSR1: "SIGUSR1", SIGSEGV: "SIGSEGV",
    SIGUSR2: "SIGUSR2", SIGPIPE: "SIGPIPE", SIGALRM: "SIGALRM", SIGTERM: "SIGTERM", SIGXCPU: "SIGXCPU",
    SIGXFSZ: "SIGXFSZ", SIGSYS: "SIGSYS",
  ]

  static func name(_ signal: Int32) -> String { names[signal] ?? "signal \(signal)" }
}
