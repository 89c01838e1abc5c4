import CLinux
import Glibc

/// How the master carries out what its state decides.
extension Master {
  /// Tells the state of an event, and does what it says; what comes of that is told in turn, until nothing is left to
  /// do.
  ///
  /// - Parameter died: an acceptor was reaped and its seat cleared; siblings are told once a housekeeper is chosen.
  func handle(_ event: SupervisorState.Event, died: Bool = false) {
    let actions = state.handle(event, now: .now)
    // Before the acceptors are told to leave, so that they know whether all of them are.
    if state.isStopping { table.markStopping() }
    chooseHousekeeper(afterDeath: died)
    var next = 0
    var queue = actions
    while next < queue.count {
      if let outcome = perform(queue[next]) {
        queue += state.handle(outcome, now: .now)
        chooseHousekeeper(afterDeath: false)
      }
      next += 1
    }
  }

  /// Does one action, and returns what came of it where the state needs to know.
  private func perform(_ action: SupervisorState.Action) -> SupervisorState.Event? {
    switch action {
    case .spawn(let seat, let generation, let restarts):
      return spawn(seat, generation, restarts)
    case .signal(let seat, let number):
      send(number, to: seat)
      return nil
    case .kill(let seat):
      send(SIGKILL, to: seat)
      return nil
    case .reload(let generation):
      return reload(generation)
    case .log(let level, let message, let metadata):
      plan.log(level, message, metadata)
      return nil
    case .exit(let code):
      exitCode = code
      return nil
    }
  }

  private func spawn(_ seat: Int, _ generation: Int, _ restarts: Int) -> SupervisorState.Event? {
    guard case .starting = state.seats[seat].stage else { return .notForked(seat: seat) }
    guard let body = bodies[generation] else { preconditionFailure("generation \(generation) has no body") }
    let owner = table.assign(seat, generation: generation, restarts: restarts)
    let place = AcceptorSeat(
      index: seat, generation: generation, listeners: plan.listeners, ownerNumber: owner, table: table)
    let setup = ChildSetup(
      name: plan.acceptorName,
      keeping: plan.listeners.map(\.fileDescriptor) + table.descriptors + plan.keptDescriptors, signals: .acceptor)
    do throws(PreforkError) {
      let pid = try Fork.child(setup) {
        // In the child: the master's write of the pid may come later than its first reader.
        place.table.setPid(getpid(), of: seat)
        body(place)
      }
      pids[seat] = pid
      table.setPid(pid, of: seat)
      plan.log(.info, "acceptor started", ["seat": "\(seat)", "generation": "\(generation)", "pid": "\(pid)"])
      return nil
    } catch {
      table.clear(seat)
      return .forkFailed(seat: seat, error, jitter: .random(in: 0...1))
    }
  }

  private func send(_ number: Int32, to seat: Int) {
    // A seat that was never forked has no process; one that has ended is not reaped yet, and kill(2) succeeds.
    if let pid = pids[seat] { kill(pid, number) }
  }

  private func reload(_ generation: Int) -> SupervisorState.Event {
    bodies = bodies.filter { state.uses(generation: $0.key) }
    do {
      let next = try plan.reload()
      bodies[generation] = next.run
      return .reloadSucceeded(drainLimit: next.drainLimit)
    } catch {
      return .reloadFailed(reason: "\(error)")
    }
  }

  /// Shows the siblings who keeps house, and which seats wait for a new acceptor; wakes a housekeeper who is new or has
  /// a death to deal with.
  private func chooseHousekeeper(afterDeath: Bool) {
    for seat in state.seats.indices where pids[seat] == nil {
      if case .backingOff = state.seats[seat].stage { table.setState(.backingOff, of: seat) }
      if state.seats[seat].stage == .empty { table.setState(.empty, of: seat) }
    }
    let before = table.housekeeper
    let chosen = state.housekeeper
    table.setHousekeeper(chosen)
    if afterDeath { table.countDeath() }
    if let chosen, afterDeath || chosen != before { table.wake(chosen) }
  }
}
