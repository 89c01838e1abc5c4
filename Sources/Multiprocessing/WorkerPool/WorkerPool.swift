// A pool of worker processes: it gives each one call at a time, over a socket pair that only those two share, and ends every
// call it took exactly once, whatever becomes of the worker.
//
// It owns the link to the fork server, its workers' sockets, pipes and pidfds. It knows functions by name and their arguments
// as bytes; it must not know what a job is, or HTTP. What to do is decided by `PoolState`; here it is done.

import CLinux
import EventLoop
import Glibc

@LoopActor
public final class WorkerPool {
  public typealias Completion = @LoopActor (FinishedCall) -> Void

  /// What a worker prints while it has no call.
  public var onStrayOutput: (@LoopActor (_ pid: Int32, UnsafeRawBufferPointer) -> Void)?
  public var onForkServerTrouble: (@LoopActor (ForkServerTrouble) -> Void)?
  /// A worker became idle: a caller that hands out only to idle workers may hand out one more.
  public var onIdle: (@LoopActor () -> Void)?

  /// The present fork server; `nil` while there is none.
  public internal(set) var forkServerPID: Int32?
  public internal(set) var forkServerRestarts = 0

  let program: WorkerProgram
  let limits: PoolLimits
  var state: PoolState
  var workerHandles: [UInt64: WorkerHandle] = [:]
  var calls: [UInt64: CallRecord] = [:]
  var link: ForkServerLink?
  let forkServerHandle: ForkServerHandle
  /// Sent to each worker when it is born.
  private(set) var initializer: Preparation?
  private var nextCall: UInt64 = 1
  private var alarm: (token: TimerToken, due: UInt64)?
  private var usageAlarm: TimerToken?
  private var whenDrained: [CheckedContinuation<Void, Never>] = []
  private var isStarted = false
  /// Set before the last completions are called, and after.
  private var isTerminating = false
  private(set) var isTerminated = false

  /// - Parameters:
  ///   - size: workers; the number of cores is a good start.
  ///   - forkServer: belongs to this pool from now on.
  ///   - initializer: run by each worker before its first call. If it throws, calls end as ``CallOutcome/unprepared(_:)``.
  ///     Only its function, header, argument and files count.
  /// - Throws: the initializer's function is unknown, or its argument cannot be made ready to send.
  public convenience init(
    size: Int, forkServer: ForkServerHandle, limits: PoolLimits = PoolLimits(), initializer: PoolCall
  ) throws(PoolRefusal) {
    self.init(size: size, forkServer: forkServer, limits: limits)
    self.initializer = try Preparation(initializer, program)
  }

  public init(size: Int, forkServer: ForkServerHandle, limits: PoolLimits = PoolLimits()) {
    precondition(size > 0, "a pool has at least one worker")
    forkServerHandle = forkServer
    self.limits = limits
    program = forkServer.program
    state = PoolState(size: size, limits: limits)
  }

  /// Begins to listen to the fork server, and has it fork the workers. A started pool lives until it is terminated.
  public func start() {
    precondition(!isStarted, "a pool is started once")
    isStarted = true
    let link = ForkServerLink(forkServerHandle) { event in self.handle(event) }
    self.link = link
    link.start()
  }

  // MARK: - Calls

  /// Has a worker run a call; `completion` gets its end, exactly once and never from within this function, though it may be
  /// called from within ``cancel(_:)`` and ``terminate()``.
  @discardableResult
  public func run(
    _ call: PoolCall, events: CallEvents = CallEvents(), completion: @escaping Completion
  ) throws(PoolRefusal) -> CallHandle {
    if state.isClosed { throw .closed }
    if state.forkServer == .gone { throw .noForkServer }
    guard let function = program.index(of: call.function) else { throw .unknownFunction(call.function) }
    if state.idleCount == 0 && state.waitingCount >= limits.mostWaiting { throw .full }
    let payload: PayloadPart
    do {
      payload = try PayloadPart(call.argument)
    } catch {
      throw .unsendable(error)
    }
    let number = nextCall
    nextCall += 1
    calls[number] = CallRecord(call, function: function, payload: payload, events: events, completion: completion)
    guard let actions = state.submit(number, timeout: call.timeout, now: MonotonicClock.now) else {
      calls[number] = nil
      throw .full
    }
    perform(actions)
    return CallHandle(number: number)
  }

  /// Has a worker run a call, and waits for its end. Cancelling the task cancels the call.
  public func run(_ call: PoolCall, events: CallEvents = CallEvents()) async throws(PoolRefusal) -> FinishedCall {
    let slot = HandleSlot()
    let result: Result<FinishedCall, PoolRefusal> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        do throws(PoolRefusal) {
          slot.handle = try run(call, events: events) { continuation.resume(returning: .success($0)) }
          if Task.isCancelled { cancel(slot.handle) }
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    } onCancel: {
      Task { @LoopActor in self.cancel(slot.handle) }
    }
    return try result.get()
  }

  /// Asks the call to end: at once if it waits; else its function is told, and its worker killed after the grace time. It
  /// ends as `.cancelled`, unless its end was there already. Nothing happens for a call that has ended.
  public func cancel(_ handle: CallHandle) {
    perform(state.cancel(handle.number, now: MonotonicClock.now))
  }

  private func cancel(_ handle: CallHandle?) {
    if let handle { cancel(handle) }
  }

  /// Where an awaiting caller keeps the handle for its cancellation.
  @LoopActor
  private final class HandleSlot {
    var handle: CallHandle?
  }

  // MARK: - Ends

  /// Takes no more calls, and returns when all that were taken have ended. The workers leave as they become idle.
  public func drain() async {
    state.close()
    for number in state.idleWorkers { perform(state.condemn(number, nil)) }
    if state.callCount == 0 { return }
    await withCheckedContinuation { whenDrained.append($0) }
  }

  /// Kills every worker, ends every call as `.lost`, and the fork server too. May be called twice.
  public func terminate() {
    if isTerminating { return }
    isTerminating = true
    perform(state.abandonAll("the pool was terminated"))
    isTerminated = true
    for handle in workerHandles.values {
      handle.signal(SIGKILL)
      handle.close()
    }
    workerHandles = [:]
    if let alarm { EpollLoop.shared.cancel(alarm.token) }
    if let usageAlarm { EpollLoop.shared.cancel(usageAlarm) }
    if let link {
      link.shut()
    } else {
      // Never started, so nobody listens: the nursery sees the end-of-file all the same.
      shutdown(forkServerHandle.channel.descriptor, Int32(SHUT_RDWR))
    }
  }

  /// Terminates, and returns when every process of the pool has ended and is reaped.
  public func terminateAndWait() async {
    terminate()
    guard let link else { return }
    await withCheckedContinuation { continuation in link.afterEnd { continuation.resume() } }
  }

  // MARK: - Doing what was decided

  func perform(_ actions: [PoolState.Action]) {
    // A completion may have terminated the pool: then nothing of what was decided before is left to do.
    for action in actions where !isTerminated {
      switch action {
      case .spawn(let worker):
        if link?.requestWorker(worker) != true { link?.killForkServer() }
      case .start(let call, let worker): begin(call, on: worker)
      case .signalCancel(let worker): workerHandles[worker]?.signal(SIGUSR1)
      case .kill(let worker):
        workerHandles[worker]?.stopListening()
        workerHandles[worker]?.signal(SIGKILL)
      case .dismiss(let worker): workerHandles[worker]?.dismiss()
      case .end(let call, let ending): end(call, ending)
      case .killForkServer: link?.killForkServer()
      }
    }
    setAlarm()
  }

  private func begin(_ number: UInt64, on worker: UInt64) {
    guard let record = calls[number], let handle = workerHandles[worker] else {
      preconditionFailure("a call was given to a worker that is not there")
    }
    let now = MonotonicClock.now
    let frame = CallFrame(
      number: number, function: record.function,
      deadlineNanoseconds: record.call.timeout.map { now &+ $0.nanosecondsClamped },
      dataLimitBytes: record.call.memoryLimitBytes.map { $0 &+ limits.ceilingSlack(above: $0) },
      header: record.call.header, files: record.call.files)
    handle.call = number
    handle.callBegan = now
    let code = handle.send(
      frame.encoded(with: record.payload), descriptors: frame.descriptors(with: record.payload))
    // Broken, or full of calls it does not read: whatever it is, its death will be reported, and the call handed on or ended.
    if code != 0 { handle.signal(SIGKILL) }
    record.events.onStarted?(handle.pid)
    if let limit = record.call.cpuTimeLimit { handle.limitCPUTime(limit) }
    if record.call.memoryLimitBytes != nil || record.call.cpuTimeLimit != nil { watchUsage() }
  }

  private func end(_ number: UInt64, _ ending: PoolState.Ending) {
    guard let record = calls.removeValue(forKey: number) else { return }
    let told = record.finished
    let outcome: CallOutcome =
      switch ending {
      case .answered: told?.outcome ?? .lost("its worker's answer got lost")
      case .crashed: told?.outcome ?? .lost("its worker died")
      case .verdict(.timedOut): .timedOut
      case .verdict(.memoryExceeded): .memoryExceeded
      case .verdict(.cpuTimeExceeded): .cpuTimeExceeded
      case .verdict(.cancelled): .cancelled
      case .lost(let reason): .lost(reason)
      }
    let finished = FinishedCall(
      outcome: outcome, files: told?.files ?? [], usage: told?.usage ?? .none, workerPID: told?.workerPID)
    record.completion(finished)
    if state.callCount == 0, state.isClosed {
      for waiter in whenDrained { waiter.resume() }
      whenDrained = []
    }
  }

  // MARK: - Time

  private func setAlarm() {
    if isTerminated { return }
    guard let due = state.nextDeadline else { return }
    // One that comes too early looks, finds nothing, and is set anew: cheaper than a timer a call.
    if let alarm, alarm.due <= due { return }
    if let alarm { EpollLoop.shared.cancel(alarm.token) }
    let now = MonotonicClock.now
    let wait = Duration.nanoseconds(Int64(clamping: due > now ? due - now : 0))
    let token = EpollLoop.shared.schedule(after: wait) { [weak self] in
      guard let self, !isTerminated else { return }
      alarm = nil
      perform(state.passed(now: MonotonicClock.now))
    }
    alarm = (token, due)
  }

  /// How often the CPU time of workers whose call has a limit is looked at: one system call each.
  public static let cpuSampling = Duration.milliseconds(10)

  private func watchUsage() {
    if usageAlarm != nil || isTerminated { return }
    let anyCPU = workerHandles.values.contains { $0.call != nil && $0.hasCPULimit }
    let pause = anyCPU ? min(Self.cpuSampling, limits.memorySampling) : limits.memorySampling
    usageAlarm = EpollLoop.shared.schedule(after: pause) { [weak self] in
      guard let self else { return }
      usageAlarm = nil
      sampleUsage()
    }
  }

  private func sampleUsage() {
    var anyLimited = false
    for handle in Array(workerHandles.values) {
      guard let call = handle.call.flatMap({ calls[$0]?.call }) else { continue }
      if let limit = call.memoryLimitBytes {
        anyLimited = true
        if let grown = handle.grownBytes(), grown > limit { perform(state.exceededMemory(handle.number)) }
      }
      if handle.hasCPULimit {
        anyLimited = true
        if handle.isOverCPULimit() { perform(state.exceededCPUTime(handle.number)) }
      }
    }
    if anyLimited { watchUsage() }
  }
}
