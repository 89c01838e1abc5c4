// What has to be done once for all acceptors. The master names one of them the housekeeper, and another when it dies.
// Doing a piece of it twice does no harm: every verb of the store it uses looks at the rows as they are.

import EventLoop
import JobModel
import JobStore
import Logging

@LoopActor
final class Housekeeper {
  private let dispatcher: Dispatcher
  private let batches: BatchWork
  private let store: any JobStore
  private let memory: ServiceMemory
  private let spool: SpoolFolder
  private let disk: BlockingThread
  private let schedules: ScheduleKeeper
  private let log: Logger
  /// The owners whose acceptors live, or are about to be born.
  private let liveOwners: @LoopActor () -> Set<OwnerID>
  private let isAppointed: @LoopActor () -> Bool
  private let deathCount: @LoopActor () -> UInt64

  private var seenDeaths: UInt64?
  private var nextDue: Timestamp?
  private var dueTimer: TimerToken?
  private var isPromoting = false
  private var promoteAgain = false
  private var isRescuing = false
  private var wasAppointed = false
  private var isStopped = false

  static let promoteLimit = 500
  static let expireLimit = 200
  static let expireInterval = Duration.seconds(10)
  static let depthInterval = Duration.seconds(1)
  /// Acceptors that were killed leave files that no job names. One is certainly such a file when it was last written a day
  /// ago: whoever writes it or is about to name it now would have given up long before.
  static let sweepInterval = Duration.seconds(3600)
  static let sweepAge = Duration.seconds(86_400)

  init(
    dispatcher: Dispatcher, batches: BatchWork, schedules: ScheduleKeeper, spool: SpoolFolder, disk: BlockingThread,
    log: Logger,
    liveOwners: @escaping @LoopActor () -> Set<OwnerID>, isAppointed: @escaping @LoopActor () -> Bool,
    deathCount: @escaping @LoopActor () -> UInt64
  ) {
    self.dispatcher = dispatcher
    self.batches = batches
    self.store = dispatcher.store
    self.memory = dispatcher.memory
    self.schedules = schedules
    self.spool = spool
    self.disk = disk
    self.log = log
    self.liveOwners = liveOwners
    self.isAppointed = isAppointed
    self.deathCount = deathCount
  }

  func start() {
    look()
    Task { await self.countForEver() }
    Task { await self.expireForEver() }
    Task { await self.sweepForEver() }
  }

  /// Looks whether this acceptor has become the housekeeper, or another one has died. Called when the seat is woken, and
  /// with each beat.
  func look() {
    guard !isStopped, isAppointed() else {
      if wasAppointed { schedules.stop() }
      wasAppointed = false
      return
    }
    if !wasAppointed {
      wasAppointed = true
      seenDeaths = nil
      schedules.start()
      Task { await self.promote() }
      Task { await self.releaseHeld() }
    }
    let deaths = deathCount()
    if deaths != seenDeaths, !isRescuing {
      isRescuing = true
      Task { await self.rescue(deaths) }
    }
  }

  /// Keeps house no more: this acceptor is leaving, and the master names another one unless all are.
  func stop() {
    isStopped = true
    wasAppointed = false
    schedules.stop()
    if let dueTimer { EpollLoop.shared.cancel(dueTimer) }
    dueTimer = nil
  }

  /// A job is due at `due`.
  func scheduled(at due: Timestamp) {
    guard wasAppointed else { return }
    if nextDue.map({ due < $0 }) ?? true { wait(until: due) }
  }

  /// A schedule was written or removed.
  func schedulesChanged() {
    if wasAppointed { schedules.look() }
  }

  /// Due times were announced and missed.
  func missedSchedules() {
    guard wasAppointed else { return }
    schedules.look()
    Task { await self.promote() }
  }

  // MARK: - Jobs of dead acceptors

  private func rescue(_ deaths: UInt64) async {
    defer {
      isRescuing = false
      if seenDeaths == deaths, deathCount() != deaths { look() }
    }
    do {
      let now = Timestamp.now
      let jobs = try await store.rescueAbandoned(
        live: liveOwners(), now: now, expiresAt: now.advanced(by: dispatcher.settings.retention))
      if !jobs.isEmpty { log.warning("jobs of a dead acceptor were rescued", metadata: ["jobs": "\(jobs.count)"]) }
      for job in jobs { dispatcher.announce(job) }
      try await batches.adopt(live: liveOwners())
      seenDeaths = deaths
      // Whoever died may have been woken for work that is still in the line; and other jobs of its jobs' keys came into it.
      dispatcher.callForReleased(Set(Executor.allCases))
    } catch {
      log.error("jobs of a dead acceptor cannot be rescued yet", metadata: ["error": "\(error)"])
      await EpollLoop.shared.sleep(.seconds(1))
    }
  }

  // MARK: - Jobs that are due

  private func wait(until due: Timestamp) {
    if let dueTimer { EpollLoop.shared.cancel(dueTimer) }
    nextDue = due
    memory.board.publish(nextDue: due)
    // The clock may be set meanwhile: look again at least every minute.
    let delay = min(max(Timestamp.now.duration(to: due), .zero), .seconds(60))
    dueTimer = EpollLoop.shared.schedule(after: delay) { [weak self] in
      guard let self else { return }
      self.dueTimer = nil
      Task { await self.promote() }
    }
  }

  private func promote() async {
    if isPromoting {
      promoteAgain = true
      return
    }
    isPromoting = true
    defer { isPromoting = false }
    repeat {
      promoteAgain = false
      guard wasAppointed else { return }
      do {
        nextDue = nil
        memory.board.publish(nextDue: nil)
        let promotion = try await store.promoteDue(now: .now, limit: Self.promoteLimit)
        var counts: [Executor: Int] = [:]
        for job in promotion.promoted {
          dispatcher.announceChange(of: job.id)
          dispatcher.listener?.changed(job.id)
          dispatcher.tell(JobEvent(id: job.id, revision: job.revision, .state(.queued, attempt: job.attempt)))
          if let batch = job.batch { dispatcher.bell.ring(batch) }
          counts[job.executor, default: 0] += 1
        }
        for (executor, count) in counts {
          memory.board.markJoined(executor, count: count)
          dispatcher.callForWork(executor)
        }
        if promotion.promoted.count == Self.promoteLimit {
          promoteAgain = true
        } else if let due = promotion.nextDue, nextDue.map({ due < $0 }) ?? true {
          wait(until: due)
        }
      } catch {
        log.error("jobs that are due cannot be queued yet", metadata: ["error": "\(error)"])
        wait(until: Timestamp.now.advanced(by: .seconds(1)))
      }
    } while promoteAgain
  }

  /// Makes sure that no job is held though its key has room: its limit may have been raised.
  private func releaseHeld() async {
    do {
      dispatcher.callForReleased(try await store.releaseHeld())
    } catch {
      log.warning("held jobs cannot be looked through", metadata: ["error": "\(error)"])
    }
  }

  // MARK: - Counting and expiry

  private func countForEver() async {
    while !isStopped {
      let began = MonotonicClock.now
      if wasAppointed {
        do {
          let before = memory.board.estimates
          let depth = try await store.depth()
          memory.board.publish(
            queued: depth.queued, scheduled: depth.scheduled, running: depth.running,
            oldestQueuedAt: depth.oldestQueuedAt, since: before)
        } catch {
          log.warning("the line cannot be counted", metadata: ["error": "\(error)"])
        }
      }
      // A long line takes long to count: never spend more than a twentieth of the time on it.
      let cost = Duration.nanoseconds(Int64(MonotonicClock.now - began))
      await EpollLoop.shared.sleep(max(Self.depthInterval, cost * 20))
    }
  }

  private func expireForEver() async {
    while !isStopped {
      var more = false
      if wasAppointed {
        do {
          let removal = try await store.removeExpired(now: .now, limit: Self.expireLimit)
          for id in removal.ids { memory.board.markChanged(id) }
          memory.counters.add(.jobsExpired, removal.ids.count, seat: dispatcher.identity.seat)
          let forgotten = try await store.forgetRequests(now: .now, limit: Self.expireLimit)
          for batch in removal.batches { dispatcher.bell.ring(batch) }
          let (spool, files) = (spool, removal.spoolFiles)
          more = removal.ids.count == Self.expireLimit || forgotten == Self.expireLimit
          if !files.isEmpty { try await disk.run { for name in files { try spool.remove(name) } } }
        } catch {
          log.warning("expired jobs cannot be removed", metadata: ["error": "\(error)"])
        }
        if !more { await releaseHeld() }
      }
      // In small steps with pauses, so that clients do not feel it.
      await EpollLoop.shared.sleep(more ? .milliseconds(50) : Self.expireInterval)
    }
  }

  private func sweepForEver() async {
    while !isStopped {
      await EpollLoop.shared.sleep(Self.sweepInterval)
      guard wasAppointed else { continue }
      do {
        let names = try await store.spoolFileNames()
        let (spool, age) = (spool, Self.sweepAge)
        let removed = try await disk.run { try spool.sweep(keeping: names, olderThan: age) }
        if removed > 0 { log.info("spool files of nobody were removed", metadata: ["files": "\(removed)"]) }
      } catch {
        log.warning("the spool folder cannot be swept", metadata: ["error": "\(error)"])
      }
    }
  }
}
