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
    let handle = WorkerHandle(newborn)
    workerHandles[newborn.worker] = handle
    let number = newborn.worker
    handle.watch(
      onMessage: { [weak self] in self?.hear(number) },
      onOutput: { [weak self] in self?.readOutput(ofWorker: number) })
    if let initializer {
      // Ahead of any call. A worker that cannot be sent it is dead, and will be reported so.
      _ = handle.send(initializer.frame, descriptors: initializer.descriptors)
    }
    perform(state.spawned(number, now: MonotonicClock.now))
    tellIdle()
  }

  // MARK: - A worker that lives

  private func hear(_ number: UInt64) {
    while let handle = workerHandles[number] {
      switch handle.receive() {
      case .message(.progress(let call, let bytes)):
        if handle.call == call { calls[call]?.events.onProgress?(bytes) }
      case .message(.crashing(_, let signal, let usage, let backtrace)):
        handle.beganToCrash(signal: signal, usage, backtrace: backtrace)
        perform(state.crashing(number, now: MonotonicClock.now))
      case .message(.returned(let call, let usage, let meta, let payload, let files)):
        take(.returned(payload, meta: meta), files, usage, of: call, from: handle)
        perform(state.answered(call, by: number, now: MonotonicClock.now))
        // Nothing follows an answer but the answer to the next call: one look less a round trip.
        return tellIdle()
      case .message(.threw(let call, let usage, let bytes)):
        take(.threw(bytes), [], usage, of: call, from: handle)
        perform(state.answered(call, by: number, now: MonotonicClock.now))
        return tellIdle()
      case .message(.unprepared(let call, let usage, let bytes)):
        take(.unprepared(bytes), [], usage, of: call, from: handle)
        perform(state.answered(call, by: number, now: MonotonicClock.now))
        return tellIdle()
      case .empty: return
      case .closed, .garbled:
        // It is dead, and will be reported so; or it closed its socket or writes nonsense, and must be.
        handle.stopListening()
        perform(state.lostChannel(number))
        return
      }
    }
  }

  /// Notes an answer, after what was printed before it.
  private func take(
    _ outcome: CallOutcome, _ files: [SharedFile], _ usage: WorkerUsage, of call: UInt64, from handle: WorkerHandle
  ) {
    readOutput(of: handle)
    guard handle.call == call else { return }
    calls[call]?.finished = FinishedCall(
      outcome: outcome, files: files, usage: callUsage(usage, of: handle), workerPID: handle.pid)
    handle.cpuBefore = usage.cpuNanoseconds
    handle.call = nil
  }

  private func callUsage(_ usage: WorkerUsage, of handle: WorkerHandle) -> CallUsage {
    let cpu = usage.cpuNanoseconds > handle.cpuBefore ? usage.cpuNanoseconds - handle.cpuBefore : 0
    return CallUsage(
      wall: .nanoseconds(Int64(clamping: MonotonicClock.now &- handle.callBegan)),
      cpu: .nanoseconds(Int64(clamping: cpu)), peakMemoryBytes: usage.peakResidentBytes)
  }

  private func readOutput(ofWorker number: UInt64) {
    if let handle = workerHandles[number] { readOutput(of: handle) }
  }

  func readOutput(of handle: WorkerHandle) {
    handle.readOutput { bytes in
      if let call = handle.call {
        calls[call]?.events.onOutput?(bytes)
      } else {
        onStrayOutput?(handle.pid, bytes)
      }
    }
  }

  private func tellIdle() {
    if state.idleCount > 0 && !state.isClosed { onIdle?() }
  }

  // MARK: - A worker that died

  private func bury(_ number: UInt64, _ status: Int32, _ usage: WorkerUsage) {
    guard let handle = workerHandles[number] else {
      // It died before it was met: killed by the fork server for want of a descriptor.
      perform(state.died(number, callUnread: false, now: MonotonicClock.now, random: .random(in: 0..<1)))
      return
    }
    state.isDying(number)
    hearLast(handle)
    var unread = false
    if let call = handle.call {
      unread = handle.leftUnread
      noteDeath(of: call, status, usage, handle)
    }
    handle.call = nil
    handle.close()
    workerHandles[number] = nil
    perform(state.died(number, callUnread: unread, now: MonotonicClock.now, random: .random(in: 0..<1)))
  }

  /// Takes in what a dead worker left in its socket and its pipes.
  private func hearLast(_ handle: WorkerHandle) {
    readOutput(of: handle)
    while true {
      switch handle.receive() {
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
        if handle.call == call { calls[call]?.events.onProgress?(bytes) }
      case .message(.crashing(_, let signal, let usage, let backtrace)):
        handle.beganToCrash(signal: signal, usage, backtrace: backtrace)
      case .empty, .closed, .garbled:
        handle.crashReport?.read()
        return
      }
    }
  }

  private func noteDeath(of call: UInt64, _ status: Int32, _ usage: WorkerUsage, _ handle: WorkerHandle) {
    // A crash is the signal that the function met; a backtracer that took too long was killed by another.
    let signal = linux_status_signaled(status) != 0 ? handle.crashReport?.signal ?? linux_status_signal(status) : nil
    let exitStatus = linux_status_exited(status) != 0 ? linux_status_exit_code(status) : nil
    let text = CrashReport.text(of: handle.crashReport, outputTail: handle.outputTail)
    let crash = Crash(signal: signal, exitStatus: exitStatus, backtrace: text)
    let used = callUsage(handle.crashReport?.usage ?? usage, of: handle)
    let limit = calls[call]?.call.memoryLimitBytes
    let isMemory = limit.map { Self.diedForMemory(crash, used, handle.inheritedBytes, $0) } ?? false
    calls[call]?.finished = FinishedCall(
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

  /// The fork server is dead, and the kernel has ended its workers.
  private func abandonWorkers() {
    forkServerPID = nil
    let handles = workerHandles.values.sorted { $0.number < $1.number }
    for handle in handles {
      state.isDying(handle.number)
      hearLast(handle)
      if let call = handle.call {
        let usage = WorkerUsage(cpuNanoseconds: handle.cpuBefore, peakResidentBytes: 0)
        calls[call]?.finished = FinishedCall(
          outcome: .lost("the fork server died"), usage: callUsage(usage, of: handle), workerPID: handle.pid)
      }
      handle.signal(SIGKILL)
      handle.close()
    }
    workerHandles = [:]
    perform(state.forkServerDied())
  }
}
