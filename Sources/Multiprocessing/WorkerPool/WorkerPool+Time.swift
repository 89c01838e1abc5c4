// What a pool does because time has passed.

import EventLoop

extension WorkerPool {
  func setAlarm() {
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
      let now = MonotonicClock.now
      for worker in state.overdue(now: now) {
        if let handle = workerHandles[worker] { takeBackAhead(of: handle) }
      }
      perform(state.passed(now: now))
      feed()
    }
    alarm = (token, due)
  }

  /// Feeds the workers once this turn of the loop is over: the calls of one turn go in few messages.
  func feedSoon() {
    if isFeedingSoon || isHearing { return }
    isFeedingSoon = true
    EpollLoop.shared.schedule(after: .zero) { [weak self] in
      guard let self else { return }
      isFeedingSoon = false
      feed()
    }
  }

  /// How often the CPU time of workers whose call has a limit is looked at: one system call each.
  public static let cpuSampling = Duration.milliseconds(10)

  func watchUsage() {
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
      guard let call = handle.call?.call else { continue }
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
