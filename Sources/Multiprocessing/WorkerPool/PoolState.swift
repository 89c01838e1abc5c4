// What a pool does when. Pure: events and the time go in, actions come out, in the order they are to be done. It knows calls
// and workers by number only; sockets, processes and callers are the pool's.

struct PoolState {
  enum Action: Equatable {
    /// Ask the fork server for a worker.
    case spawn(worker: UInt64)
    /// Send the call to the worker, behind those it has.
    case start(call: UInt64, worker: UInt64)
    case signalCancel(worker: UInt64)
    case kill(worker: UInt64)
    /// Close its socket, so that it leaves.
    case dismiss(worker: UInt64)
    case end(call: UInt64, Ending)
    case killForkServer
  }

  enum Ending: Equatable {
    /// As the worker answered.
    case answered
    /// As the worker's death tells.
    case crashed
    case verdict(Verdict)
    case lost(String)
  }

  enum ForkServerPhase: Equatable { case absent, preloading, ready, gone }

  struct Call {
    let timeout: UInt64?
    /// Of its argument, while it may be sent ahead; `nil`: it may not.
    let aheadBytes: Int?
    var worker: UInt64?
    var handOns = 0
  }

  let size: Int
  let limits: PoolLimits
  var workers = WorkerPlaces()
  private(set) var forkServer = ForkServerPhase.absent
  private(set) var restarts = 0
  private(set) var isClosed = false
  var calls = Slots<Call>()
  /// Idle workers; the one that worked last goes first, its memory is warm.
  private var idle: [UInt64] = []
  var waiting = WaitingLine()
  private var nextWorker: UInt64 = 1
  private var backoff: RestartBackoff
  private var spawnNotBefore: UInt64 = 0
  private var forkServerDeadline: UInt64?

  /// How often a call is handed on that its workers died with before they began it. That harms nobody, and is bounded only
  /// because something may kill every worker. With one death in two falling on the call's newest worker, as where others
  /// kill workers at random and faster than a busy machine starts them, 3 lost a call in every other run of 5,000.
  static let mostHandOns = 16

  init(size: Int, limits: PoolLimits) {
    self.size = size
    self.limits = limits
    backoff = limits.backoff
  }

  var idleCount: Int { idle.count }
  var idleWorkers: [UInt64] { idle }
  var busyCount: Int {
    var count = 0
    for worker in workers.values where worker.call != nil { count += 1 }
    return count
  }
  var waitingCount: Int { waiting.count }
  var callCount: Int { calls.count }

  /// The next moment at which ``passed(now:)`` has something to do.
  var nextDeadline: UInt64? {
    var next = forkServerDeadline ?? .max
    for worker in workers.values { next = min(next, worker.deadline ?? .max) }
    if forkServer == .ready, workers.count < wantedWorkers { next = min(next, spawnNotBefore) }
    return next == .max ? nil : next
  }

  // MARK: - Calls

  /// `nil`: the call cannot be taken, all are busy and as many wait as may.
  ///
  /// - Parameter aheadBytes: size of its argument if it may be sent ahead; see ``feed()``.
  mutating func submit(_ call: UInt64, timeout: Duration?, aheadBytes: Int? = nil, now: UInt64) -> [Action]? {
    if idle.isEmpty && waiting.count >= limits.mostWaiting { return nil }
    calls[call] = Call(timeout: timeout?.nanosecondsClamped, aheadBytes: aheadBytes)
    waiting.append(call)
    return idle.isEmpty ? [] : startWaiting(now)
  }

  mutating func cancel(_ call: UInt64, now: UInt64) -> [Action] {
    guard let known = calls[call] else { return [] }
    guard let worker = known.worker else {
      waiting.remove(call)
      return [end(call, .verdict(.cancelled))]
    }
    // One that was sent ahead is taken back before it is cancelled. A worker that begins its calls out of turn has gone mad.
    guard workers[worker]?.call == call else { return condemn(worker, nil) }
    if workers[worker]?.cancel(now: now, grace: limits.cancelGrace.nanosecondsClamped) == true {
      return [.signalCancel(worker: worker)]
    }
    // It crashes already: do not wait for its last words.
    return condemn(worker, .cancelled)
  }

  /// The worker answered; a late or a wrong answer is never anybody's.
  mutating func answered(_ call: UInt64, by worker: UInt64, now: UInt64) -> [Action] {
    let bytes = calls[call]?.aheadBytes ?? 0
    guard workers[worker]?.answered(call, bytes: bytes) == true else {
      return condemn(worker, nil)
    }
    var actions = [end(call, .answered)]
    if let next = workers[worker]?.call {
      let deadline = deadline(of: next, now)
      workers[worker]?.setDeadline(deadline)
      return actions
    }
    let done = workers[worker]?.callsDone ?? 0
    if (isClosed && waiting.isEmpty) || done >= limits.maxCallsPerWorker ?? .max {
      workers[worker]?.leave(now: now, grace: limits.cancelGrace.nanosecondsClamped)
      actions.append(.dismiss(worker: worker))
      return actions
    }
    idle.append(worker)
    if !waiting.isEmpty { actions += startWaiting(now) }
    return actions
  }

  mutating func exceededMemory(_ worker: UInt64) -> [Action] { condemn(worker, .memoryExceeded) }

  mutating func exceededCPUTime(_ worker: UInt64) -> [Action] { condemn(worker, .cpuTimeExceeded) }

  // MARK: - Workers

  mutating func spawned(_ worker: UInt64, now: UInt64) -> [Action] {
    guard workers[worker] != nil else { return [] }
    workers[worker]?.spawned()
    if isClosed && waiting.isEmpty { return condemn(worker, nil) }
    idle.append(worker)
    return startWaiting(now)
  }

  mutating func spawnFailed(_ worker: UInt64, now: UInt64, random: Double) -> [Action] {
    _ = workers.remove(worker)
    spawnNotBefore = now &+ backoff.pauseAfterDeath(age: .zero, wasUseful: false, random: random).nanosecondsClamped
    return refill(now)
  }

  /// The worker says that it begins to crash.
  mutating func crashing(_ worker: UInt64, now: UInt64) -> [Action] {
    idle.removeAll { $0 == worker }
    workers[worker]?.crashing(now: now, grace: limits.crashGrace.nanosecondsClamped)
    return []
  }

  /// The worker must go.
  mutating func condemn(_ worker: UInt64, _ verdict: Verdict?) -> [Action] {
    idle.removeAll { $0 == worker }
    return workers[worker]?.condemn(verdict) == true ? [.kill(worker: worker)] : []
  }

  /// The worker's socket is at its end, though nobody closed it here, or what came makes no sense.
  mutating func lostChannel(_ worker: UInt64) -> [Action] {
    workers[worker]?.phase == .leaving ? [] : condemn(worker, nil)
  }

  /// The worker is about to be reported dead: what it sent before still counts, but it gets nothing more.
  mutating func isDying(_ worker: UInt64) { idle.removeAll { $0 == worker } }

  /// The answer of a worker that is dead already.
  mutating func answeredLast(_ call: UInt64, by worker: UInt64) -> [Action] {
    let bytes = calls[call]?.aheadBytes ?? 0
    guard workers[worker]?.answered(call, bytes: bytes) == true else { return [] }
    return [end(call, .answered)]
  }

  /// The worker was reaped.
  ///
  /// - Parameter unread: the one of its calls that it died before it began; those behind that were taken back. It is not the
  ///   first where an answer came too late to count, after the worker was condemned.
  mutating func died(_ worker: UInt64, unread: UInt64?, now: UInt64, random: Double) -> [Action] {
    guard let dead = workers.remove(worker) else { return [] }
    idle.removeAll { $0 == worker }
    var actions: [Action] = []
    for call in dead.calls { actions += settle(call, after: dead, isUnread: call == unread) }
    if dead.phase != .leaving { restarts += 1 }
    // Only a worker that dies with nothing to do, and did nothing before, says that starting workers is the trouble.
    let useful = dead.callsDone > 0 || (dead.call != nil && dead.call != unread) || dead.phase == .leaving
    let age = Duration.nanoseconds(Int64(clamping: now &- dead.bornAt))
    let pause = backoff.pauseAfterDeath(age: age, wasUseful: useful, random: random)
    if pause > .zero { spawnNotBefore = now &+ pause.nanosecondsClamped }
    return actions + refill(now) + startWaiting(now)
  }

  private mutating func settle(_ call: UInt64, after dead: WorkerState, isUnread: Bool) -> [Action] {
    // Ended already, when the pool was terminated.
    guard let known = calls[call] else { return [] }
    if call == dead.call, let verdict = dead.verdict { return [end(call, .verdict(verdict))] }
    guard isUnread else { return [end(call, .crashed)] }
    if known.handOns >= Self.mostHandOns { return [end(call, .lost("its workers died before they began"))] }
    calls[call]?.handOns += 1
    calls[call]?.worker = nil
    waiting.putBack([call])
    return []
  }

  // MARK: - Fork server

  mutating func forkServerBorn(now: UInt64) {
    forkServer = .preloading
    forkServerDeadline = now &+ limits.preloadTimeout.nanosecondsClamped
  }

  mutating func forkServerReady(now: UInt64) -> [Action] {
    forkServer = .ready
    forkServerDeadline = nil
    return refill(now)
  }

  /// The fork server is dead, and with it all its workers.
  mutating func forkServerDied() -> [Action] {
    forkServer = forkServer == .gone ? .gone : .absent
    forkServerDeadline = nil
    var running: [(call: UInt64, verdict: Verdict?)] = []
    for worker in workers.values {
      for call in worker.calls { running.append((call, call == worker.call ? worker.verdict : nil)) }
    }
    workers.removeAll()
    idle = []
    return running.sorted { $0.call < $1.call }.map { call, verdict in
      end(call, verdict.map { .verdict($0) } ?? .lost("the fork server died"))
    }
  }

  /// The nursery is dead too: there will be no other.
  mutating func forkServerGone() -> [Action] {
    forkServer = .gone
    let actions = forkServerDied()
    let stranded = Array(waiting.all)
    waiting.removeAll()
    return actions + stranded.map { end($0, .lost("the fork server is gone")) }
  }

  // MARK: - Time, and the end

  /// Busy workers whose call is past its time: what was sent ahead to them is to be taken back before ``passed(now:)``.
  func overdue(now: UInt64) -> [UInt64] {
    workers.sortedNumbers.filter { number in
      guard let worker = workers[number], worker.calls.count > 1, let due = worker.deadline else { return false }
      return now >= due
    }
  }

  /// Time has passed.
  mutating func passed(now: UInt64) -> [Action] {
    var actions: [Action] = []
    if let due = forkServerDeadline, now >= due {
      forkServerDeadline = nil
      actions.append(.killForkServer)
    }
    for number in workers.sortedNumbers {
      switch workers[number]?.overdue(now: now) {
      case .kill: actions.append(.kill(worker: number))
      case .forkServerStuck: if !actions.contains(.killForkServer) { actions.append(.killForkServer) }
      case nil: break
      }
    }
    return actions + refill(now)
  }

  /// Takes no more calls, forks no more workers for those that come to an end.
  mutating func close() { isClosed = true }

  /// Ends every call now.
  mutating func abandonAll(_ reason: String) -> [Action] {
    isClosed = true
    waiting.removeAll()
    idle = []
    return calls.numbers.map { end($0, .lost(reason)) }
  }

  // MARK: - Private

  private mutating func end(_ call: UInt64, _ ending: Ending) -> Action {
    calls[call] = nil
    return .end(call: call, ending)
  }

  private func deadline(of call: UInt64, _ now: UInt64) -> UInt64? { calls[call]?.timeout.map { now &+ $0 } }

  mutating func startWaiting(_ now: UInt64) -> [Action] {
    var actions: [Action] = []
    while !waiting.isEmpty, let worker = idle.popLast() {
      let call = waiting.removeFirst()
      calls[call]?.worker = worker
      let bytes = calls[call]?.aheadBytes
      let deadline = deadline(of: call, now)
      workers[worker]?.begin(call, bytes: bytes ?? 0, deadline: deadline, takesAhead: bytes != nil)
      actions.append(.start(call: call, worker: worker))
    }
    return actions
  }

  /// A pool that drains still needs workers for what waits.
  private var wantedWorkers: Int { isClosed ? min(size, waiting.count + busyCount) : size }

  private mutating func refill(_ now: UInt64) -> [Action] {
    guard forkServer == .ready, now >= spawnNotBefore else { return [] }
    var actions: [Action] = []
    while workers.count < wantedWorkers {
      workers.insert(
        nextWorker, WorkerState(startedAt: now, deadline: now &+ limits.startTimeout.nanosecondsClamped))
      actions.append(.spawn(worker: nextWorker))
      nextWorker += 1
    }
    return actions
  }
}
