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
  let seat: AcceptorSeat
  let plan: AcceptorPlan
  let store: SQLiteJobStore
  let dispatcher: Dispatcher
  let batches: BatchWork
  let housekeeper: Housekeeper
  let callbacks: CallbackSender
  private let switchboard: Switchboard
  let api: API
  /// `nil`: no tokens are needed.
  private let tokens: TokenBook?
  let server: HTTPServer
  let pool: WorkerPool?
  private let processRunner: ProcessRunner?
  private let signals: SignalDescriptor
  let log: Logger
  var isStopping = false

  static let beatInterval = Duration.seconds(1)

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
    memory.measurements.use(seat: index)
    memory.workers.clear(seat: index)

    store = try SQLiteJobStore.open(path: path, keyLimits: plan.handlers.keyLimits) { commit in
      memory.measurements.commits.record(commit.duration, seat: index)
      memory.measurements.commitSizes.record(UInt64(commit.writes), seat: index)
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
      let pool = WorkerPool(size: workers, forkServer: forkServer)
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
    batches = BatchWork(dispatcher: dispatcher, spool: spool, disk: disk)
    let schedules = ScheduleKeeper(dispatcher: dispatcher, log: log)
    housekeeper = Housekeeper(
      dispatcher: dispatcher, batches: batches, schedules: schedules, spool: spool, disk: disk, log: log,
      liveOwners: { Set(table.ownersNotToRescue().map { OwnerID(number: $0) }) },
      isAppointed: { seat.isHousekeeper }, deathCount: { table.deathCount })
    let context = ServiceContext(
      version: MillraceVersion.text, node: plan.node, startedAt: plan.startedAt, masterPID: plan.masterPID,
      limits: .init(
        queued: configuration.maxQueued, jsonBodyBytes: configuration.jsonBodyLimitBytes,
        bodyBytes: configuration.maxBodyBytes, waitSeconds: Int(configuration.maxWait.components.seconds)),
      spool: spool, disk: disk, seats: { SeatViews.read(table) }, logsRequests: configuration.accessLog,
      log: log)
    tokens = configuration.needsTokens ? TokenBook(store: store, log: log) : nil
    let limit = configuration.rateLimit > 0 ? RateLimit(perSecond: configuration.rateLimit) : nil
    api = API(
      context: context, dispatcher: dispatcher, batches: batches,
      files: try configuration.publicFolder.map { try StaticFiles(root: $0) },
      origin: RequestOrigin(ownNames: plan.ownNames, publicNames: Set(configuration.hosts)),
      access: AccessGuard(tokens: tokens, limit: limit, rates: memory.rates))
    schedules.admit = { [api] job throws(APIError) in try api.admit(job) }
    callbacks = CallbackSender(
      dispatcher: dispatcher,
      settings: .init(
        allowsPrivateAddresses: configuration.allowPrivateAddresses, secret: configuration.callbackSecret), log: log)
    switchboard = Switchboard(
      dispatcher: dispatcher, housekeeper: housekeeper, callbacks: callbacks, waits: api.waits, watches: api.watches,
      replies: api.replies, events: api.events)
    dispatcher.listener = switchboard
    api.events.onDropped = { memory.counters.add(.eventStreamsDropped, seat: index) }
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
      plan.memory.seats.setWatchers(api.events.count, seat: seat.index)
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
