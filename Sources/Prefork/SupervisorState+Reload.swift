import Glibc

/// A new generation of acceptors beside the old one, which leaves only when the new one is ready.
extension SupervisorState {
  /// Begins the reload that was asked for, unless one is under way or earlier generations still fill too many seats;
  /// then it begins when that has changed. Any number of requests meanwhile are one.
  mutating func beginReloadIfPossible(_ actions: inout [Action]) {
    guard reloadAskedAgain, phase == .serving, reload == .none else { return }
    let free = seats.count { $0.stage == .empty }
    guard free >= wanted else { return }
    reloadAskedAgain = false
    newestGeneration += 1
    reload = .reading(generation: newestGeneration)
    actions.append(.log(.notice, "reloading", ["generation": "\(newestGeneration)"]))
    actions.append(.reload(generation: newestGeneration))
  }

  mutating func reloadSucceeded(_ drainLimit: Duration, _ now: MonotonicTime, _ actions: inout [Action]) {
    guard case .reading(let generation) = reload else { return }
    drainLimits = drainLimits.filter { uses(generation: $0.key) }
    drainLimits[generation] = drainLimit
    reload = .starting(generation: generation, deadline: now + limits.ready)
    fillSeats(now, &actions)
  }

  mutating func reloadFailed(_ reason: String, _ now: MonotonicTime, _ actions: inout [Action]) {
    guard case .reading(let generation) = reload else { return }
    reload = .none
    let metadata = ["generation": "\(generation)", "reason": reason]
    actions.append(.log(.error, "reload failed: old configuration kept", metadata))
    beginReloadIfPossible(&actions)
  }

  /// Once all of the new generation is ready, it is the one that serves, and all earlier ones leave.
  mutating func retireOldGenerationsIfReplaced(_ now: MonotonicTime, _ actions: inout [Action]) {
    guard let successor = startingGeneration else { return }
    let ready = members(of: successor).count { if case .ready = seats[$0].stage { true } else { false } }
    guard ready >= wanted else { return }
    generation = successor
    reload = .none
    actions.append(.log(.notice, "reloaded: the earlier generation leaves", ["generation": "\(generation)"]))
    for index in seats.indices where seats[index].generation != generation { retire(index, now, &actions) }
    beginReloadIfPossible(&actions)
  }

  /// The old generation stays, as if nothing had been asked.
  mutating func abandonNewGeneration(_ reason: String, _ now: MonotonicTime, _ actions: inout [Action]) {
    guard let failed = startingGeneration else { return }
    reload = .none
    let metadata = ["generation": "\(failed)", "reason": reason]
    actions.append(.log(.error, "reload failed: old configuration kept", metadata))
    for index in seats.indices where seats[index].generation == failed {
      switch seats[index].stage {
      case .starting, .ready: killSeat(index, comesBack: false, now, &actions)
      case .backingOff, .killed, .leaving, .empty: retire(index, now, &actions)
      }
    }
    beginReloadIfPossible(&actions)
  }
}
