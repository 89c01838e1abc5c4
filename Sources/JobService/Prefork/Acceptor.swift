// The life of one acceptor process, from its fork to its end.
//
// The order of birth matters: the fork server is forked first, while this process has one thread and neither an event
// loop, a database nor a daemon; everything else is made after it.

import Configuration
import EventLoop
import Glibc
import HTTPServer
import HandlerAPI
import JobModel
import JobStore
import Logging
import Multiprocessing
import Prefork

@LoopActor
final class Acceptor {
  private let seat: AcceptorSeat
  private let plan: AcceptorPlan
  private let store: SQLiteJobStore
  private let dispatcher: Dispatcher
  private let housekeeper: Housekeeper
  private let callbacks: CallbackSender
  private let switchboard: Switchboard
  private let api: API
  /// `nil`: no tokens are needed.
  private let tokens: TokenBook?
  private let server: HTTPServer
  private let pool: ProcessPool?
  private let processRunner: ProcessRunner?
  private let signals: SignalDescriptor
  private let log: Logger
  private var isStopping = false

  static let beatInterval = Duration.seconds(1)
  /// How long idle connections of an acceptor that leaves alone are kept.
  static let lastRequestsLimit = Duration.seconds(2)
  /// What the last replies of a stopping server may take. With `Dispatcher.interruptLimit`, the last requests and the close
  /// it must fit into the master's `drainMargin`, and without the last requests into a quick stop (5 s), or this process is
  /// killed.
  static let lastRepliesLimit = Duration.milliseconds(1500)
  /// What closing the store and ending the workers may take.
  static let closeLimit = Duration.seconds(1)

  /// Runs in the acceptor's process; leaves with `_exit`.
  nonisolated static func main(_ seat: AcceptorSeat, _ plan: AcceptorPlan) -> Never {
    var log = plan.log
    log[metadataKey: "acceptor"] = "\(seat.index)"
    do {
      let workers = plan.workers(rank: rank(of: seat))
      let forkServer =
        try workers > 0 ? ForkServer.start(WorkerGlue.program(plan.handlers)) : nil
      let named = log
      _exit(FreshThread.run { serve(seat, plan, forkServer, workers, named) })
    } catch {
      log.critical("the workers' fork server cannot start", metadata: ["error": "\(error)"])
      _exit(1)
    }
  }

  /// On the thread that is the loop's from here on.
  private nonisolated static func serve(
    _ seat: AcceptorSeat, _ plan: AcceptorPlan, _ forkServer: ForkServerHandle?, _ workers: Int, _ log: Logger
  ) -> Int32 {
    do {
      let acceptor = try LoopActor.assumeIsolated {
        try Acceptor(seat: seat, plan: plan, forkServer: forkServer, workers: workers, log: log)
      }
      LoopActor.assumeIsolated { acceptor.start() }
      EpollLoop.shared.run()
      return 0
    } catch {
      log.critical("the acceptor cannot start", metadata: ["error": "\(error)"])
      return 1
    }
  }

  /// The acceptor's place among those of its generation. The master fills seats in order, and a seat whose acceptor died
  /// keeps its place.
  nonisolated private static func rank(of seat: AcceptorSeat) -> Int {
    seat.table.snapshots().count {
      $0.generation == seat.generation && $0.index < seat.index && $0.state != .draining
    }
  }

  private init(
    seat: AcceptorSeat, plan: AcceptorPlan, forkServer: ForkServerHandle?, workers: Int, log: Logger
  ) throws {
    self.seat = seat
    self.plan = plan
    self.log = log
    let configuration = plan.configuration
    let memory = plan.memory
    let index = seat.index
    let path = configuration.store.path
    signals = try AcceptorSeat.signalDescriptor()
    memory.seats.clear(seat: index)
    memory.workers.clear(seat: index)

    store = try SQLiteJobStore.open(path: path, keyLimits: plan.handlers.keyLimits) { commit in
      memory.counters.add(.commits, seat: index)
      memory.counters.add(.commitWrites, commit.writes, seat: index)
      memory.counters.add(.commitMicroseconds, Int(commit.duration.microsecondsClamped), seat: index)
    }
    let spool = SpoolFolder(path: SQLiteJobStore.spoolPath(path))
    let disk = BlockingThread()
    let bodies = BodyOpener(spool: spool)
    let instances = HandlerInstances()
    let table = seat.table
    let identity = AcceptorIdentity(
      seat: index, owner: OwnerID(number: seat.ownerNumber), notices: memory.notices,
      isTaken: { table.state(of: $0) != .empty }, isServerStopping: { table.isStopping }, wake: { table.wake($0) })

    var runners: [Executor: any JobRunner] = [
      .task: LocalRunner(slots: configuration.tasks, threads: nil, instances: instances, bodies: bodies),
      .thread: LocalRunner(
        slots: max(workers, 1), threads: ThreadExecutors(count: max(workers, 1)), instances: instances,
        bodies: bodies),
    ]
    if let forkServer {
      let pool = ProcessPool(size: workers, forkServer: forkServer)
      let runner = ProcessRunner(
        pool: pool, bodies: bodies, seat: index, memory: memory, memoryLimitBytes: configuration.memoryLimitBytes,
        log: log)
      runners[.process] = runner
      (self.pool, processRunner) = (pool, runner)
    } else {
      (pool, processRunner) = (nil, nil)
    }
    dispatcher = Dispatcher(
      identity: identity,
      settings: .init(
        node: plan.node, retention: configuration.retention, logLimitBytes: configuration.maxLogBytes), store: store,
      memory: memory, handlers: plan.handlers,
      results: ResultKeeper(spool: spool, disk: disk, limitBytes: configuration.maxResultBytes), runners: runners,
      log: log)
    let schedules = ScheduleKeeper(dispatcher: dispatcher, log: log)
    housekeeper = Housekeeper(
      dispatcher: dispatcher, schedules: schedules, spool: spool, disk: disk, log: log,
      liveOwners: { Set(table.ownersNotToRescue().map { OwnerID(number: $0) }) },
      isAppointed: { seat.isHousekeeper }, deathCount: { table.deathCount })
    let context = ServiceContext(
      version: MillraceVersion.text, node: plan.node, startedAt: plan.startedAt, masterPID: plan.masterPID,
      limits: .init(
        queued: configuration.maxQueued, jsonBodyBytes: configuration.jsonBodyLimitBytes,
        bodyBytes: configuration.maxBodyBytes, waitSeconds: Int(configuration.maxWait.components.seconds)),
      spool: spool, disk: disk, seats: { SeatViews.read(table) }, log: log)
    tokens = configuration.needsTokens ? TokenBook(store: store, log: log) : nil
    let limit = configuration.rateLimit > 0 ? RateLimit(perSecond: configuration.rateLimit) : nil
    api = API(
      context: context, dispatcher: dispatcher,
      files: try configuration.publicFolder.map { try StaticFiles(root: $0) },
      origin: RequestOrigin(ownNames: plan.ownNames, publicNames: Set(configuration.hosts)),
      access: AccessGuard(tokens: tokens, limit: limit, rates: memory.rates))
    schedules.admit = { [api] job throws(APIError) in try api.admit(job) }
    callbacks = CallbackSender(
      dispatcher: dispatcher,
      settings: .init(
        allowsPrivateAddresses: configuration.allowPrivateAddresses, secret: configuration.callbackSecret), log: log)
    switchboard = Switchboard(
      dispatcher: dispatcher, housekeeper: housekeeper, callbacks: callbacks, waits: api.waits, replies: api.replies,
      events: api.events)
    dispatcher.listener = switchboard
    server = HTTPServer(options: plan.serverOptions, application: api)
  }

  private func start() {
    let loop = EpollLoop.shared
    loop.watch(seat.wakeDescriptor, for: .readable) { [self] _ in
      seat.acknowledgeWake()
      switchboard.woken()
    }
    loop.watch(signals.fileDescriptor, for: .readable) { [self] _ in
      for signal in signals.pending() { obey(signal) }
    }
    loop.addBeforeSleep { [self] in
      plan.memory.seats.setConnections(server.connectionCount, seat: seat.index)
      return nil
    }
    server.onRefusal = { [self] status in
      guard let refusal = Refusal(serverStatus: status) else { return }
      plan.memory.counters.addRefusal(refusal, seat: seat.index)
    }
    server.mayAccept = { [self] in hasNoMoreThanItsShare }
    // Only a process without threads can fork a fork server, so this one leaves, and the master starts another.
    processRunner?.onGone = { [self] in stop(limit: .zero) }
    pool?.start()
    beat()
    housekeeper.start()
    callbacks.look()
    for executor in Executor.allCases { dispatcher.fill(executor) }
    guard let tokens else { return listen() }
    Task {
      await tokens.refresh()
      tokens.keepFresh()
      if !isStopping { listen() }
    }
  }

  private func listen() {
    do {
      let encrypted = plan.identity == nil ? [] : seat.listeners.filter(\.isTCP)
      let plain = plan.identity == nil ? seat.listeners : seat.listeners.filter { !$0.isTCP }
      try server.start(
        listeners: plain.map(\.fileDescriptor), encrypted: encrypted.map(\.fileDescriptor), identity: plan.identity)
    } catch {
      log.critical("the HTTP server cannot start", metadata: ["error": "\(error)"])
      _exit(1)
    }
    seat.markReady()
    log.debug("ready")
  }

  private func beat() {
    seat.beat()
    housekeeper.look()
    EpollLoop.shared.schedule(after: Self.beatInterval) { [self] in beat() }
  }

  /// Whether this acceptor has about as many connections as the others that are ready, or fewer.
  private var hasNoMoreThanItsShare: Bool {
    let mine = server.connectionCount
    var total = mine
    var acceptors = 1
    for other in 0..<plan.memory.seats.seats where other != seat.index && seat.table.state(of: other) == .ready {
      total += plan.memory.seats.connections(seat: other)
      acceptors += 1
    }
    let share = total / acceptors
    return mine <= share + max(Self.connectionSlack, share / 8)
  }

  /// How many connections more than its share an acceptor takes before it lets the others go first.
  private static let connectionSlack = 4

  // MARK: - Stopping

  private func obey(_ signal: Int32) {
    switch signal {
    case SIGTERM: stop(limit: plan.configuration.drainTimeout)
    case SIGQUIT: stop(limit: .zero)
    default: log.warning("an unexpected signal", metadata: ["signal": "\(signal)"])
    }
  }

  /// Finishes what runs within `limit`, gives back the rest, answers whoever waits, and ends the process.
  ///
  /// A second, quicker stop while one is under way is the master's to enforce: it kills.
  private func stop(limit: Duration) {
    if isStopping {
      if limit == .zero { Task { await dispatcher.drain(limit: .zero) } }
      return
    }
    isStopping = true
    seat.markDraining()
    housekeeper.stop()
    callbacks.stop()
    api.isDraining = true
    server.closeAfterReply = true
    // While the whole server stops, polls are still answered. An acceptor that leaves alone leaves them to the others.
    if !seat.table.isStopping { server.stopAccepting() }
    Task {
      let began = MonotonicClock.now
      await dispatcher.drain(limit: limit)
      await lastWaits(until: began + limit.nanosecondsClamped)
      api.waits.abandonAll()
      api.events.close()
      server.stopAccepting()
      if limit > .zero { await lastRequests() }
      server.closeIdle()
      await lastReplies()
      // Whatever hangs from here on is given up: nothing is left to lose.
      EpollLoop.shared.schedule(after: Self.closeLimit) { _exit(0) }
      server.close()
      await store.close()
      // Waited for, so that the master finds no strays of this process.
      await pool?.terminateAndWait()
      EpollLoop.shared.stop()
    }
  }

  /// Clients may wait here for jobs that other acceptors still finish.
  private func lastWaits(until end: UInt64) async {
    let seats = plan.memory.seats
    func someoneWorks() -> Bool {
      (0..<seats.seats).contains { other in
        other != seat.index && seat.table.state(of: other) != .empty
          && Executor.allCases.contains { seats.running($0, seat: other) > 0 }
      }
    }
    while !api.waits.isEmpty, someoneWorks(), MonotonicClock.now < end {
      await EpollLoop.shared.sleep(.milliseconds(20))
    }
  }

  /// Gives clients a moment to use their open connections once more: the reply then tells them to make a new one, which
  /// another acceptor takes. So none of their requests meets a connection being closed, nor does the first request of a
  /// connection that was just accepted.
  private func lastRequests() async {
    let end = MonotonicClock.now + Self.lastRequestsLimit.nanosecondsClamped
    while server.connectionCount > 0, MonotonicClock.now < end { await EpollLoop.shared.sleep(.milliseconds(20)) }
  }

  private func lastReplies() async {
    if server.requestsInFlight == 0 { return }
    await withCheckedContinuation { continuation in
      var waiting: CheckedContinuation<Void, Never>? = continuation
      let finish: @LoopActor () -> Void = {
        waiting?.resume()
        waiting = nil
      }
      server.onIdle = finish
      EpollLoop.shared.schedule(after: Self.lastRepliesLimit, finish)
    }
  }
}

/// The seats as `/v1/processes` shows them.
enum SeatViews {
  static func read(_ table: SeatTable) -> [ServiceContext.SeatView] {
    table.snapshots().map { seat in
      ServiceContext.SeatView(
        index: seat.index, pid: seat.pid, state: "\(seat.state)", generation: seat.generation,
        restarts: seat.restarts, startedAt: Timestamp(microseconds: seat.startedAt))
    }
  }
}
