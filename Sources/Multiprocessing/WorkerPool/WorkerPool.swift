// A pool of worker processes: it gives each one call at a time, over a socket pair that only those two share, hears the answer
// from a ring in memory that only those two share, and ends every call it took exactly once, whatever becomes of the worker.
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

  /// Where the workers find their functions, by name.
  private let functions: [String: Int]
  private let program: WorkerProgram
  let limits: PoolLimits
  var state: PoolState
  var workerHandles: [UInt64: WorkerHandle] = [:]
  var calls = Slots<CallRecord>()
  var link: ForkServerLink?
  let forkServerHandle: ForkServerHandle
  /// 0 or 1; see ``TicketBoard/pageCount``.
  var boardHalf = 0
  var spinner: Spinner
  /// Workers that have a call, and some that had one.
  var awaited: [WorkerHandle] = []
  var listening: HookToken?
  var isFeedingSoon = false
  /// Answers are being read; the workers are fed when that is done.
  var isHearing = false
  /// Sent to each worker when it is born.
  private(set) var initializer: Preparation?
  var alarm: (token: TimerToken, due: UInt64)?
  var usageAlarm: TimerToken?
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
    precondition(size > 0 && size <= TicketBoard.mostWorkers, "a pool has 1 to \(TicketBoard.mostWorkers) workers")
    forkServerHandle = forkServer
    self.limits = limits
    program = forkServer.program
    functions = forkServer.program.indexes
    state = PoolState(size: size, limits: limits)
    spinner = Spinner(limitNanoseconds: limits.spin.nanosecondsClamped)
  }

  /// Begins to listen to the fork server, and has it fork the workers. A started pool lives until it is terminated.
  public func start() {
    precondition(!isStarted, "a pool is started once")
    isStarted = true
    let link = ForkServerLink(forkServerHandle) { event in self.handle(event) }
    self.link = link
    link.start()
    listen()
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
    guard let function = call.functionNumber ?? functions[call.function] else {
      throw .unknownFunction(call.function)
    }
    if state.idleCount == 0 && state.waitingCount >= limits.mostWaiting { throw .full }
    let payload: PayloadPart
    do {
      payload = try PayloadPart(call.argument)
    } catch {
      throw .unsendable(error)
    }
    let record = CallRecord(call, function: function, payload: payload, events: events, completion: completion)
    record.number = calls.insert(record)
    let aheadBytes = record.aheadBytes
    guard
      let actions = state.submit(
        record.number, timeout: call.timeout, aheadBytes: aheadBytes, now: MonotonicClock.now)
    else {
      _ = calls.remove(record.number)
      throw .full
    }
    if !actions.isEmpty { perform(actions) }
    if aheadBytes != nil, state.waitingCount > 0 { feedSoon() }
    return CallHandle(number: record.number)
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
    putAside(handle.number)
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
    stopListening()
    awaited = []
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
    // What callers hear comes last: what they do then finds the workers and the state of one mind.
    send(actions)
    // A completion may have terminated the pool: then nothing of what was decided before is left to do.
    for action in actions where !isTerminated {
      switch action {
      case .start(let call, let worker): tellStarted(call, worker)
      case .end(let call, let ending): end(call, ending)
      case .spawn, .signalCancel, .kill, .dismiss, .killForkServer: break
      }
    }
    setAlarm()
  }

  private func send(_ actions: [PoolState.Action]) {
    var open: WorkerHandle?
    for action in actions where !isTerminated {
      switch action {
      case .spawn(let worker): spawn(worker)
      case .start(let call, let worker):
        if let other = open, other.number != worker || other.outbox.bytes.count >= PoolState.mostAheadBytes {
          flush(other)
        }
        open = begin(call, on: worker)
      case .signalCancel(let worker): workerHandles[worker]?.signal(SIGUSR1)
      case .kill(let worker):
        workerHandles[worker]?.stopListening()
        workerHandles[worker]?.signal(SIGKILL)
      case .dismiss(let worker): workerHandles[worker]?.dismiss()
      case .killForkServer: link?.killForkServer()
      case .end: break
      }
    }
    if let open { flush(open) }
  }

  private func spawn(_ worker: UInt64) {
    guard let page = page(of: worker) else { preconditionFailure("a worker without a place is to be forked") }
    let tickets = forkServerHandle.tickets.page(page)
    tickets.clear()
    tickets.spin = spinner.limitNanoseconds
    if link?.requestWorker(worker, page: page) != true { link?.killForkServer() }
  }

  /// A worker's page on the ticket board.
  func page(of worker: UInt64) -> Int? {
    state.workers.place(of: worker).map { 2 * $0 + boardHalf }
  }

  /// Puts a call into the message for a worker.
  private func begin(_ number: UInt64, on worker: UInt64) -> WorkerHandle {
    guard let record = calls[number], let handle = workerHandles[worker] else {
      preconditionFailure("a call was given to a worker that is not there")
    }
    if handle.queue.isEmpty {
      handle.callBegan = MonotonicClock.now
      if handle.mayHaveStrayOutput, record.events.onOutput != nil { readOutput(of: handle) }
    }
    handle.offer(record)
    expectAnswer(from: handle)
    guard let ticket = record.ticket else { preconditionFailure("an offered call has no ticket") }
    let frame = CallFrame(
      number: number, ticket: ticket, function: record.function,
      timeoutNanoseconds: record.call.timeout.map { $0.nanosecondsClamped },
      measuresUsage: record.call.measuresUsage,
      dataLimitBytes: record.call.memoryLimitBytes.map { $0 &+ limits.ceilingSlack(above: $0) },
      header: record.call.header, files: record.call.files)
    frame.put(into: &handle.outbox, record.payload)
    return handle
  }

  private func flush(_ handle: WorkerHandle) {
    if handle.outbox.bytes.isEmpty { return }
    let first = handle.queue.count == 1 ? handle.call : nil
    var descriptors: [Int32] = []
    if let first, first.payload.file != nil || !first.call.files.isEmpty {
      handle.lendArgument(of: first)
      descriptors = first.payload.descriptors + first.call.files.map(\.passedOn)
    }
    let code = handle.flush(descriptors: descriptors)
    // Broken, or full of calls it does not read: whatever it is, its death will be reported, and its calls handed on or ended.
    if code != 0 { handle.signal(SIGKILL) }
    guard let call = first?.call else { return }
    if let limit = call.cpuTimeLimit { handle.limitCPUTime(limit) }
    if call.memoryLimitBytes != nil || call.cpuTimeLimit != nil { watchUsage() }
  }

  private func tellStarted(_ number: UInt64, _ worker: UInt64) {
    guard let record = calls[number], let onStarted = record.events.onStarted, let handle = workerHandles[worker],
      handle.call === record
    else { return }
    onStarted(handle.pid)
  }

  private func end(_ number: UInt64, _ ending: PoolState.Ending) {
    guard let record = calls.remove(number) else { return }
    record.dropArgument()
    record.completion(Self.finished(record, ending))
    if state.callCount == 0, state.isClosed {
      for waiter in whenDrained { waiter.resume() }
      whenDrained = []
    }
  }
  private static func finished(_ record: CallRecord, _ ending: PoolState.Ending) -> FinishedCall {
    let told = record.finished
    let outcome: CallOutcome
    switch ending {
    case .answered:
      if let told { return told }
      outcome = .lost("its worker's answer got lost")
    case .crashed:
      if let told { return told }
      outcome = .lost("its worker died")
    case .verdict(.timedOut): outcome = .timedOut
    case .verdict(.memoryExceeded): outcome = .memoryExceeded
    case .verdict(.cpuTimeExceeded): outcome = .cpuTimeExceeded
    case .verdict(.cancelled): outcome = .cancelled
    case .lost(let reason): outcome = .lost(reason)
    }
    return FinishedCall(
      outcome: outcome, files: told?.files ?? [], usage: told?.usage ?? .none, workerPID: told?.workerPID)
  }
}
