// What the pool hears: from the fork server, and from its workers.

import CLinux
import EventLoop
import Glibc

extension WorkerPool {
  func handle(_ event: ForkServerLink.Event) {
    let now = MonotonicClock.now
    switch event {
    case .born(let pid):
      if forkServerPID != nil { abandonWorkers() }
      forkServerPID = pid
      state.forkServerBorn(now: now)
      perform([])
    case .ready: perform(state.forkServerReady(now: now))
    case .spawned(let newborn): welcome(newborn)
    case .spawnFailed(let worker, _):
      perform(state.spawnFailed(worker, now: now, random: .random(in: 0..<1)))
    case .exited(let worker, let status, let usage): bury(worker, status, usage)
    case .down: abandonWorkers()
    case .trouble(let trouble):
      if case .died = trouble { forkServerRestarts += 1 }
      if trouble == .gone {
        abandonWorkers()
        perform(state.forkServerGone())
      }
      onForkServerTrouble?(trouble)
    }
  }

  private func welcome(_ newborn: Newborn) {
    guard let page = page(of: newborn.worker) else {
      _ = linux_pidfd_send_signal(newborn.pidfd.descriptor, SIGKILL)
      return
    }
    let handle = WorkerHandle(newborn, forkServerHandle.tickets, page: page)
    workerHandles[newborn.worker] = handle
    handle.watch(
      onMessage: { [weak self, unowned handle] in self?.hear(handle, looksInSocket: true) },
      onOutput: { [weak self, unowned handle] in self?.readOutput(of: handle) })
    if let initializer { handle.prepare(initializer) }
    perform(state.spawned(handle.number, now: MonotonicClock.now))
    feed()
    tellIdle()
  }

  // MARK: - A worker that lives

  /// Takes in what a worker has said.
  func hear(_ handle: WorkerHandle, looksInSocket: Bool) {
    if handle.isDying || handle.isMute { return }
    let wasHearing = isHearing
    isHearing = true
    var hasAnswered = false
    var left = WorkerHandle.messagesAtOnce
    while left > 0, !handle.isClosed, let answered = hearOne(handle, looksInSocket) {
      left -= 1
      if answered { hasAnswered = true }
    }
    isHearing = wasHearing
    if isHearing { return }
    feed()
    if hasAnswered { tellIdle() }
  }

  /// One message: whether it was an answer; `nil`: there is none.
  private func hearOne(_ handle: WorkerHandle, _ looksInSocket: Bool) -> Bool? {
    switch handle.receive(looksInSocket: looksInSocket) {
    case .message(.progress(let call, let bytes)):
      if let record = handle.call, record.number == call { record.events.onProgress?(bytes) }
      return false
    case .message(.crashing(_, let signal, let usage, let backtrace)):
      handle.beganToCrash(signal: signal, usage, backtrace: backtrace)
      perform(state.crashing(handle.number, now: MonotonicClock.now))
      takeBackAhead(of: handle)
      return false
    case .message(.returned(let call, let usage, let meta, let payload, let files)):
      take(.returned(payload, meta: meta), files, usage, of: call, from: handle)
      answered(call, handle)
      return true
    case .message(.threw(let call, let usage, let bytes)):
      take(.threw(bytes), [], usage, of: call, from: handle)
      answered(call, handle)
      return true
    case .message(.unprepared(let call, let usage, let bytes)):
      take(.unprepared(bytes), [], usage, of: call, from: handle)
      answered(call, handle)
      return true
    case .empty: return nil
    case .closed, .garbled:
      // It is dead, and will be reported so; or it closed its socket or writes nonsense, and must be.
      handle.stopListening()
      handle.isMute = true
      perform(state.lostChannel(handle.number))
      return nil
    }
  }

  private func answered(_ call: UInt64, _ handle: WorkerHandle) {
    let next = handle.call
    perform(state.answered(call, by: handle.number, now: MonotonicClock.now))
    // It was sent ahead, and begins now.
    if let next, handle.call === next { next.events.onStarted?(handle.pid) }
  }

  /// Notes an answer, after what was printed before it.
  private func take(
    _ outcome: CallOutcome, _ files: [SharedFile], _ usage: WorkerUsage, of call: UInt64, from handle: WorkerHandle
  ) {
    guard let record = handle.call, record.number == call else { return }
    if record.events.onOutput != nil { readOutput(of: handle) } else { handle.mayHaveStrayOutput = true }
    record.finished = FinishedCall(
      outcome: outcome, files: files, usage: callUsage(usage, of: handle), workerPID: handle.pid)
    handle.remove(record)
    if !handle.queue.isEmpty { handle.callBegan = MonotonicClock.now }
  }

  private func callUsage(_ usage: WorkerUsage, of handle: WorkerHandle) -> CallUsage {
    CallUsage(
      wall: .nanoseconds(Int64(clamping: MonotonicClock.now &- handle.callBegan)),
      cpu: .nanoseconds(Int64(clamping: usage.cpuNanoseconds)), peakMemoryBytes: usage.peakResidentBytes)
  }

  func readOutput(of handle: WorkerHandle) {
    handle.mayHaveStrayOutput = false
    handle.readOutput { bytes in
      if let onOutput = handle.call?.events.onOutput { onOutput(bytes) } else { onStrayOutput?(handle.pid, bytes) }
    }
  }

  private func tellIdle() {
    if state.idleCount > 0 && !state.isClosed { onIdle?() }
  }

  // MARK: - A worker that died

  private func bury(_ number: UInt64, _ status: Int32, _ usage: WorkerUsage) {
    guard let handle = workerHandles[number] else {
      // It died before it was met: killed by the fork server for want of a descriptor.
      perform(state.died(number, unread: nil, now: MonotonicClock.now, random: .random(in: 0..<1)))
      return
    }
    state.isDying(number)
    handle.isDying = true
    hearLast(handle)
    _ = takeBack(Array(handle.queue.dropFirst()), from: handle)
    let unread = handle.call.flatMap { handle.takeBack($0) ? $0.number : nil }
    for record in handle.queue { noteDeath(of: record, status, usage, handle) }
    handle.close()
    expectNothing(from: handle)
    workerHandles[number] = nil
    perform(state.died(number, unread: unread, now: MonotonicClock.now, random: .random(in: 0..<1)))
    feed()
  }

  /// Takes in what a dead worker left in its ring, its socket and its pipes.
  private func hearLast(_ handle: WorkerHandle) {
    readOutput(of: handle)
    while true {
      switch handle.receive(looksInSocket: true) {
      case .message(.returned(let call, let usage, let meta, let payload, let files)):
        take(.returned(payload, meta: meta), files, usage, of: call, from: handle)
        perform(state.answeredLast(call, by: handle.number))
      case .message(.threw(let call, let usage, let bytes)):
        take(.threw(bytes), [], usage, of: call, from: handle)
        perform(state.answeredLast(call, by: handle.number))
      case .message(.unprepared(let call, let usage, let bytes)):
        take(.unprepared(bytes), [], usage, of: call, from: handle)
        perform(state.answeredLast(call, by: handle.number))
      case .message(.progress(let call, let bytes)):
        if let record = handle.call, record.number == call { record.events.onProgress?(bytes) }
      case .message(.crashing(_, let signal, let usage, let backtrace)):
        handle.beganToCrash(signal: signal, usage, backtrace: backtrace)
      case .empty, .closed, .garbled:
        handle.crashReport?.read()
        return
      }
    }
  }

  private func noteDeath(of record: CallRecord, _ status: Int32, _ usage: WorkerUsage, _ handle: WorkerHandle) {
    // A crash is the signal that the function met; a backtracer that took too long was killed by another.
    let signal = linux_status_signaled(status) != 0 ? handle.crashReport?.signal ?? linux_status_signal(status) : nil
    let exitStatus = linux_status_exited(status) != 0 ? linux_status_exit_code(status) : nil
    let text = CrashReport.text(of: handle.crashReport, outputTail: handle.outputTail)
    let crash = Crash(signal: signal, exitStatus: exitStatus, backtrace: text)
    let used = callUsage((handle.crashReport?.usage ?? usage).since(cpu: handle.cpuBefore), of: handle)
    let isMemory =
      record.call.memoryLimitBytes.map { Self.diedForMemory(crash, used, handle.inheritedBytes, $0) } ?? false
    record.finished = FinishedCall(
      outcome: isMemory ? .memoryExceeded : .crashed(crash), usage: used, workerPID: handle.pid)
  }

  /// Whether a call with a memory limit died at its ceiling: an allocation failed, by what the runtime said last, or it had
  /// nearly as much as it may.
  private static func diedForMemory(
    _ crash: Crash, _ usage: CallUsage, _ inheritedBytes: UInt64, _ limit: UInt64
  ) -> Bool {
    guard crash.signal != nil, crash.signal != SIGKILL else { return false }
    if usage.peakMemoryBytes >= inheritedBytes &+ limit { return true }
    let words = ["failed to allocate", "Could not allocate memory", "std::bad_alloc"]
    return words.contains { crash.backtrace?.contains($0) == true }
  }

  /// The fork server is dead, and the kernel ends its workers.
  private func abandonWorkers() {
    forkServerPID = nil
    let handles = workerHandles.values.sorted { $0.number < $1.number }
    for handle in handles {
      state.isDying(handle.number)
      handle.isDying = true
      hearLast(handle)
      _ = takeBack(Array(handle.queue.dropFirst()), from: handle)
      for record in handle.queue {
        record.finished = FinishedCall(
          outcome: .lost("the fork server died"), usage: callUsage(.none, of: handle), workerPID: handle.pid)
      }
      handle.signal(SIGKILL)
      handle.close()
    }
    workerHandles = [:]
    awaited = []
    boardHalf = 1 - boardHalf
    perform(state.forkServerDied())
  }
}
