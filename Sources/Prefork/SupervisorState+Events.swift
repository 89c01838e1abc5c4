import Glibc

extension SupervisorState {
  /// Takes in what has happened, and says what is to be done, in this order.
  mutating func handle(_ event: Event, now: MonotonicTime) -> [Action] {
    guard phase != .ended else { return [] }
    var actions: [Action] = []
    switch event {
    case .begin: fillSeats(now, &actions)
    case .ready(let seat): becameReady(seat, now, &actions)
    case .beat(let seat, let moment): seats[seat].lastBeat = max(seats[seat].lastBeat, moment)
    case .childExited(let seat, let pid, let end, let jitter):
      childExited(seat, pid, end, jitter, now, &actions)
    case .forkFailed(let seat, let error, let jitter): forkFailed(seat, error, jitter, now, &actions)
    case .notForked(let seat): notForked(seat, now, &actions)
    case .signal(let signal): obey(signal, now, &actions)
    case .reloadSucceeded(let drainLimit): reloadSucceeded(drainLimit, now, &actions)
    case .reloadFailed(let reason): reloadFailed(reason, now, &actions)
    case .stoodStill: for index in seats.indices { seats[index].lastBeat = now }
    case .tick: tick(now, &actions)
    }
    endIfNobodyIsLeft(&actions)
    return actions
  }

  private mutating func becameReady(_ index: Int, _ now: MonotonicTime, _ actions: inout [Action]) {
    guard case .starting(let since) = seats[index].stage else { return }
    seats[index].stage = .ready(since: since)
    seats[index].lastBeat = max(seats[index].lastBeat, now)
    wasEverReady = true
    actions.append(.log(.info, "acceptor is ready", about(index)))
    retireOldGenerationsIfReplaced(now, &actions)
  }

  private mutating func childExited(
    _ index: Int, _ pid: pid_t, _ end: ChildEnd, _ jitter: Double, _ now: MonotonicTime, _ actions: inout [Action]
  ) {
    let metadata = about(index).merging(["pid": "\(pid)", "end": "\(end)"]) { $1 }
    switch seats[index].stage {
    case .empty, .backingOff:
      return
    case .leaving, .killed(comesBack: false, _):
      actions.append(.log(.info, "acceptor has left", metadata))
      vacate(index, now, &actions)
    case .killed(comesBack: true, _):
      actions.append(.log(.info, "killed acceptor has ended", metadata))
      comeBack(index, "\(end)", jitter, now, &actions)
    case .starting:
      seats[index].failures += 1
      actions.append(.log(.error, "acceptor died before it was ready", metadata))
      comeBack(index, "\(end)", jitter, now, &actions)
    case .ready(let since):
      if now.since(since) < RestartPolicy.youngAge { seats[index].failures += 1 } else { seats[index].failures = 0 }
      actions.append(.log(.error, "acceptor died", metadata))
      comeBack(index, "\(end)", jitter, now, &actions)
    }
  }

  private mutating func forkFailed(
    _ index: Int, _ error: PreforkError, _ jitter: Double, _ now: MonotonicTime, _ actions: inout [Action]
  ) {
    guard case .starting = seats[index].stage else { return }
    switch error {
    case .manyThreads:
      // Every later fork would fail in the same way.
      seats[index].stage = .empty
      actions.append(.log(.critical, "\(error)", about(index)))
      stop(quick: true, code: 1, now, &actions)
    case .system:
      seats[index].failures += 1
      actions.append(.log(.error, "acceptor could not be forked: \(error)", about(index)))
      comeBack(index, "\(error)", jitter, now, &actions)
    }
  }

  private mutating func notForked(_ index: Int, _ now: MonotonicTime, _ actions: inout [Action]) {
    switch seats[index].stage {
    case .leaving, .killed: vacate(index, now, &actions)
    case .empty, .starting, .ready, .backingOff: break
    }
  }

  private mutating func obey(_ signal: MasterSignal, _ now: MonotonicTime, _ actions: inout [Action]) {
    switch (signal, phase) {
    case (.terminate, .serving), (.interrupt, .serving):
      actions.append(.log(.notice, "stopping: acceptors finish what they have", ["signal": name(signal)]))
      stop(quick: false, code: 0, now, &actions)
    case (.quit, .serving), (.quit, .stopping(quick: false, _)), (.terminate, .stopping(quick: false, _)),
      (.interrupt, .stopping(quick: false, _)):
      actions.append(.log(.notice, "stopping quickly", ["signal": name(signal)]))
      stop(quick: true, code: 0, now, &actions)
    case (.hangup, .serving):
      reloadAskedAgain = true
      beginReloadIfPossible(&actions)
    case (.more, .serving): changeWanted(by: 1, now, &actions)
    case (.fewer, .serving): changeWanted(by: -1, now, &actions)
    case (.user1, .serving), (.user2, .serving):
      actions.append(.log(.notice, "signal has no meaning yet, and is ignored", ["signal": name(signal)]))
    case (_, .stopping), (_, .ended):
      actions.append(.log(.notice, "signal is ignored: already stopping", ["signal": name(signal)]))
    }
  }

  private mutating func changeWanted(by step: Int, _ now: MonotonicTime, _ actions: inout [Action]) {
    let asked = wanted + step
    guard (1...maximumAcceptors).contains(asked) else {
      let message = "number of acceptors stays: 1 to \(maximumAcceptors) are possible"
      actions.append(.log(.warning, message, ["acceptors": "\(wanted)"]))
      return
    }
    wanted = asked
    actions.append(.log(.notice, "number of acceptors changed", ["acceptors": "\(wanted)"]))
    fillSeats(now, &actions)
    retireOldGenerationsIfReplaced(now, &actions)
  }

  private mutating func tick(_ now: MonotonicTime, _ actions: inout [Action]) {
    if case .starting(_, let deadline) = reload, now >= deadline {
      abandonNewGeneration("it was not ready within \(limits.ready)", now, &actions)
    }
    for index in seats.indices {
      switch seats[index].stage {
      case .empty: break
      case .starting(let since) where now >= since + limits.ready:
        seats[index].failures += 1
        actions.append(.log(.error, "acceptor was not ready in time, and is killed", about(index)))
        killSeat(index, comesBack: true, now, &actions)
      case .ready where now >= seats[index].lastBeat + limits.heartbeat:
        seats[index].failures = 0
        let silent = about(index).merging(["silent_for": "\(now.since(seats[index].lastBeat))"]) { $1 }
        actions.append(.log(.error, "acceptor hangs, and is killed", silent))
        killSeat(index, comesBack: true, now, &actions)
      case .leaving(let killAt) where now >= killAt:
        actions.append(.log(.warning, "acceptor did not leave in time, and is killed", about(index)))
        killSeat(index, comesBack: false, now, &actions)
      case .killed(_, let since) where isStopping && now >= since + limits.unkillable:
        actions.append(.log(.critical, "acceptor cannot be killed, and is left behind", about(index)))
        seats[index].stage = .empty
        phase = .stopping(quick: true, code: 1)
      case .backingOff(let until) where now >= until && !isStopping: spawn(index, now, &actions)
      case .starting, .ready, .leaving, .killed, .backingOff: break
      }
    }
  }

  private mutating func endIfNobodyIsLeft(_ actions: inout [Action]) {
    guard case .stopping(_, let code) = phase, seats.allSatisfy({ $0.stage == .empty }) else { return }
    phase = .ended
    actions.append(.exit(code: code))
  }

  private func name(_ signal: MasterSignal) -> String { signalName(signal.number) }
}
