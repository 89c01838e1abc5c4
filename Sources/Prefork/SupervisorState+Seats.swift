import Glibc

/// How seats are filled and vacated.
extension SupervisorState {
  /// Makes as many acceptors as are wanted, of the generation that serves and of the one that is to follow it: spawns
  /// what is missing while seats are free, and retires the highest-numbered of what is too many.
  mutating func fillSeats(_ now: MonotonicTime, _ actions: inout [Action]) {
    guard phase == .serving else { return }
    for generation in [generation, startingGeneration].compactMap({ $0 }) {
      let members = members(of: generation)
      for index in members.dropFirst(wanted).reversed() { retire(index, now, &actions) }
      let free = seats.indices.filter { seats[$0].stage == .empty }
      for index in free.prefix(max(0, wanted - members.count)) {
        seats[index] = Seat(generation: generation)
        spawn(index, now, &actions)
      }
    }
  }

  /// The seats that count as filled by `generation`, in order: not those that are being left.
  func members(of generation: Int) -> [Int] {
    seats.indices.filter { index in
      guard seats[index].generation == generation else { return false }
      switch seats[index].stage {
      case .starting, .ready, .backingOff, .killed(comesBack: true, _): return true
      case .empty, .leaving, .killed(comesBack: false, _): return false
      }
    }
  }

  mutating func spawn(_ index: Int, _ now: MonotonicTime, _ actions: inout [Action]) {
    seats[index].stage = .starting(since: now)
    seats[index].lastBeat = now
    let seat = seats[index]
    actions.append(.spawn(seat: index, generation: seat.generation, restarts: seat.restarts))
  }

  /// Nobody sits there any more, and the seat may be given to another generation.
  mutating func vacate(_ index: Int, _ now: MonotonicTime, _ actions: inout [Action]) {
    seats[index] = Seat()
    fillSeats(now, &actions)
    beginReloadIfPossible(&actions)
  }

  /// After a death that was not asked for: another acceptor, at once or after a while; or the end of hope.
  mutating func comeBack(
    _ index: Int, _ cause: String, _ jitter: Double, _ now: MonotonicTime, _ actions: inout [Action]
  ) {
    guard phase == .serving else {
      seats[index] = Seat()
      return
    }
    seats[index].restarts += 1
    let delay = RestartPolicy.delay(failures: seats[index].failures, jitter: jitter)
    seats[index].stage = .backingOff(until: now + delay)
    let failing = seats[index].generation
    if isHopeless(failing) {
      giveUp(failing, cause, now, &actions)
    } else if delay == .zero {
      spawn(index, now, &actions)
    } else {
      let metadata = about(index).merging(["delay": "\(delay)", "failures": "\(seats[index].failures)"]) { $1 }
      actions.append(.log(.warning, "acceptor comes back after a while", metadata))
    }
  }

  /// Asks an acceptor to finish what it has and go; no other takes its place.
  mutating func retire(_ index: Int, _ now: MonotonicTime, _ actions: inout [Action]) {
    switch seats[index].stage {
    case .starting, .ready:
      guard let limit = drainLimits[seats[index].generation] else {
        preconditionFailure("a generation in use has a drain limit")
      }
      seats[index].stage = .leaving(killAt: now + limit)
      actions.append(.signal(seat: index, SIGTERM))
    case .backingOff: seats[index] = Seat()
    case .killed(_, let since): seats[index].stage = .killed(comesBack: false, since: since)
    case .empty, .leaving: break
    }
  }

  mutating func killSeat(_ index: Int, comesBack: Bool, _ now: MonotonicTime, _ actions: inout [Action]) {
    seats[index].stage = .killed(comesBack: comesBack, since: now)
    actions.append(.kill(seat: index))
  }

  /// Asks all acceptors to go, in order or quickly. May be called again, to be quicker.
  mutating func stop(quick: Bool, code: Int32, _ now: MonotonicTime, _ actions: inout [Action]) {
    phase = .stopping(quick: quick, code: code)
    reload = .none
    reloadAskedAgain = false
    for index in seats.indices {
      guard quick else {
        retire(index, now, &actions)
        continue
      }
      let limit = now + limits.quick
      switch seats[index].stage {
      case .starting, .ready:
        seats[index].stage = .leaving(killAt: limit)
        actions.append(.signal(seat: index, SIGQUIT))
      case .leaving(let killAt):
        seats[index].stage = .leaving(killAt: min(killAt, limit))
        actions.append(.signal(seat: index, SIGQUIT))
      case .backingOff, .killed, .empty: retire(index, now, &actions)
      }
    }
  }

  /// Whether every seat of a generation that never was ready has failed again and again.
  private func isHopeless(_ generation: Int) -> Bool {
    if generation == self.generation, wasEverReady { return false }
    return members(of: generation).allSatisfy { seats[$0].failures >= RestartPolicy.hopelessFailures }
  }

  private mutating func giveUp(_ failing: Int, _ cause: String, _ now: MonotonicTime, _ actions: inout [Action]) {
    let words = "its acceptors died \(RestartPolicy.hopelessFailures) times in a row before they were ready"
    if failing == startingGeneration {
      abandonNewGeneration(words, now, &actions)
    } else {
      actions.append(.log(.critical, "giving up: acceptors die before they are ready", ["last_end": cause]))
      stop(quick: true, code: 1, now, &actions)
    }
  }

  func about(_ index: Int) -> [String: String] {
    ["seat": "\(index)", "generation": "\(seats[index].generation)"]
  }
}
