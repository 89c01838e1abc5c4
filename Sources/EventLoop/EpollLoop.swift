// The event loop of one process: one epoll instance, timers, and Swift jobs of `@LoopActor` code, all on one thread.
//
// It owns the epoll descriptor and an eventfd that wakes it. It must not know what HTTP, jobs or workers are.

import CLinux
import Glibc
import Synchronization

/// What a descriptor is watched for; the raw values are epoll's (epoll_ctl(2)).
public struct Readiness: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public static let readable = Readiness(rawValue: EPOLLIN.rawValue)
  public static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
  /// The peer closed its side, or half of it.
  public static let peerClosed = Readiness(rawValue: EPOLLRDHUP.rawValue)
  /// Reported whether asked for or not.
  public static let error = Readiness(rawValue: EPOLLERR.rawValue)
  /// Reported whether asked for or not.
  public static let hangup = Readiness(rawValue: EPOLLHUP.rawValue)
  public static let edgeTriggered = Readiness(rawValue: EPOLLET.rawValue)
  /// One of the processes that watch the same descriptor is woken, not all. Not changeable afterwards.
  public static let exclusive = Readiness(rawValue: EPOLLEXCLUSIVE.rawValue)
}

/// Names a hook of the loop, to remove it.
public struct HookToken: Hashable, Sendable {
  fileprivate let number: UInt64
}

public final class EpollLoop: SerialExecutor, @unchecked Sendable {
  // @unchecked: everything but `inbox`, `asleep` and the constants is touched by the loop's thread only, through
  // `@LoopActor` methods and `run()`.

  /// This process's loop, made at first use (see ``LoopActor``).
  public static let shared = EpollLoop()

  private let epollFD: Int32
  private let wakeFD: Int32
  private let madeInProcess = getpid()
  private let loopThread = Atomic<UInt>(0)

  /// Swift jobs that wait for the loop's thread.
  private let inbox = Mutex<[UnownedJob]>([])
  /// True while the loop may be blocked in epoll_wait; whoever fills the inbox then writes the eventfd.
  private let asleep = Atomic<Bool>(false)

  private var running: [UnownedJob] = []
  /// By descriptor: the kernel gives the lowest that is free, so there are few gaps.
  private var watches: [Watch?] = []
  private var nextWatchGeneration: UInt32 = 1
  private var timers = TimerHeap()
  private var beforeSleep: [(token: HookToken, hook: @LoopActor () -> Duration?)] = []
  private var nextHook: UInt64 = 1
  private var stopped = false
  private var entered = false

  private struct Watch {
    let generation: UInt32
    let handler: @LoopActor (Readiness) -> Void
  }

  private init() {
    epollFD = epoll_create1(Int32(EPOLL_CLOEXEC))
    precondition(epollFD >= 0, "epoll_create1 failed with errno \(errno)")
    wakeFD = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    precondition(wakeFD >= 0, "eventfd failed with errno \(errno)")
    var event = epoll_event(events: EPOLLIN.rawValue, data: epoll_data_t(u64: Self.wakeMark))
    let added = epoll_ctl(epollFD, EPOLL_CTL_ADD, wakeFD, &event)
    precondition(added == 0, "epoll_ctl failed with errno \(errno)")
  }

  private static let wakeMark = UInt64.max
  private static let eventsAWait = 256
  /// The least that the kernel takes. With turns of the usual 3 ms, a loop that is woken waits up to that long for a processor
  /// on which somebody computes, even if it has hardly used any.
  private static let turnNanoseconds: UInt64 = 100_000

  // MARK: - Executor

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    inbox.withLock { $0.append(job) }
    // Pairs with the loop's store to `asleep` before its last look into the inbox: one of the two sees the other. Of many
    // who fill the inbox meanwhile, the first one wakes the loop.
    if asleep.load(ordering: .sequentiallyConsistent), asleep.exchange(false, ordering: .sequentiallyConsistent) {
      wake()
    }
  }

  public func checkIsolated() {
    precondition(isOnLoopThread, "code of the event loop was entered on another thread")
  }

  public func isIsolatingCurrentContext() -> Bool? { isOnLoopThread }

  /// Whether the caller is the thread that runs the loop. Before ``run()`` the first thread to ask becomes it.
  public var isOnLoopThread: Bool {
    let me = UInt(pthread_self())
    let owner = loopThread.load(ordering: .relaxed)
    if owner == me { return true }
    if owner != 0 { return false }
    return loopThread.compareExchange(expected: 0, desired: me, ordering: .relaxed).exchanged
  }

  /// The same, but asking changes nothing.
  public var isOwnedByCurrentThread: Bool { loopThread.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Wakes the loop from any thread.
  public func wake() {
    var one: UInt64 = 1
    // EAGAIN means the counter is full, so the loop is about to wake anyway.
    _ = write(wakeFD, &one, MemoryLayout<UInt64>.size)
  }

  // MARK: - Descriptors

  /// Calls `handler` on the loop whenever `fd` is ready. The caller keeps owning `fd`, and unwatches it before closing it.
  @LoopActor
  public func watch(_ fd: Int32, for readiness: Readiness, handler: @escaping @LoopActor (Readiness) -> Void) {
    precondition(watch(of: fd) == nil, "descriptor \(fd) is watched already")
    while watches.count <= Int(fd) { watches.append(nil) }
    let generation = nextWatchGeneration
    nextWatchGeneration &+= 1
    watches[Int(fd)] = Watch(generation: generation, handler: handler)
    control(EPOLL_CTL_ADD, fd, readiness, generation)
  }

  /// Changes what a watched descriptor is watched for.
  @LoopActor
  public func rewatch(_ fd: Int32, for readiness: Readiness) {
    guard let watch = watch(of: fd) else { preconditionFailure("descriptor \(fd) is not watched") }
    control(EPOLL_CTL_MOD, fd, readiness, watch.generation)
  }

  /// Stops watching `fd`; events of it that are already on their way are dropped.
  @LoopActor
  public func unwatch(_ fd: Int32) {
    guard watch(of: fd) != nil else { return }
    watches[Int(fd)] = nil
    var event = epoll_event()
    _ = epoll_ctl(epollFD, EPOLL_CTL_DEL, fd, &event)
  }

  @LoopActor
  public func isWatched(_ fd: Int32) -> Bool { watch(of: fd) != nil }

  private func watch(of fd: Int32) -> Watch? {
    fd >= 0 && Int(fd) < watches.count ? watches[Int(fd)] : nil
  }

  private func control(_ operation: Int32, _ fd: Int32, _ readiness: Readiness, _ generation: UInt32) {
    // The generation tells an event of this watch from a stale one of an earlier descriptor of the same number.
    let mark = UInt64(generation) << 32 | UInt64(UInt32(bitPattern: fd))
    var event = epoll_event(events: readiness.rawValue, data: epoll_data_t(u64: mark))
    let result = epoll_ctl(epollFD, operation, fd, &event)
    precondition(result == 0, "epoll_ctl on descriptor \(fd) failed with errno \(errno)")
  }

  // MARK: - Timers

  /// Runs `body` on the loop once `delay` has passed.
  @LoopActor
  @discardableResult
  public func schedule(after delay: Duration, _ body: @escaping @LoopActor () -> Void) -> TimerToken {
    timers.insert(at: MonotonicClock.now &+ delay.nanosecondsClamped, body)
  }

  @LoopActor
  public func cancel(_ token: TimerToken) { timers.cancel(token) }

  /// Calls `hook` before every wait; what it returns is the longest time the loop may then sleep.
  @LoopActor
  @discardableResult
  public func addBeforeSleep(_ hook: @escaping @LoopActor () -> Duration?) -> HookToken {
    let token = HookToken(number: nextHook)
    nextHook += 1
    beforeSleep.append((token, hook))
    return token
  }

  /// From the next wait on the hook is not called.
  @LoopActor
  public func removeBeforeSleep(_ token: HookToken) { beforeSleep.removeAll { $0.token == token } }

  // MARK: - Running

  /// Runs the loop on the calling thread until ``stop()``.
  public func run() {
    precondition(getpid() == madeInProcess, "an event loop must be made after the fork, not before it")
    precondition(isOnLoopThread, "the event loop belongs to another thread already")
    precondition(!entered, "the event loop is running already")
    entered = true
    defer { entered = false }
    // Refused (a sandbox), or ignored by an older kernel: it is woken later where others compute.
    _ = linux_take_short_turns(Self.turnNanoseconds)
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Self.eventsAWait)
    defer { events.deallocate() }
    stopped = false
    while !stopped {
      runJobs()
      runTimers()
      var limit: Duration?
      for (_, hook) in beforeSleep {
        if let asked = LoopActor.assumeIsolated({ hook() }) { limit = limit.map { min($0, asked) } ?? asked }
      }
      if stopped { break }
      asleep.store(true, ordering: .sequentiallyConsistent)
      let idle = inbox.withLock { $0.isEmpty }
      let count = epoll_wait(epollFD, events, Int32(Self.eventsAWait), idle ? waitMilliseconds(limit) : 0)
      asleep.store(false, ordering: .relaxed)
      if count < 0 {
        precondition(errno == EINTR, "epoll_wait failed with errno \(errno)")
        continue
      }
      for index in 0..<Int(count) { deliver(events[index]) }
    }
  }

  /// Makes ``run()`` return after what it is doing.
  @LoopActor
  public func stop() { stopped = true }

  private func deliver(_ event: epoll_event) {
    let mark = event.data.u64
    if mark == Self.wakeMark {
      var count: UInt64 = 0
      _ = read(wakeFD, &count, MemoryLayout<UInt64>.size)
      return
    }
    let fd = Int32(bitPattern: UInt32(truncatingIfNeeded: mark))
    guard let watch = watch(of: fd), watch.generation == UInt32(mark >> 32) else { return }
    let readiness = Readiness(rawValue: event.events)
    LoopActor.assumeIsolated(passing: (watch.handler, readiness)) { $0.0($0.1) }
    // A handler's tasks come next, before the other descriptors of this wait can pile up more.
    runJobs()
  }

  private func runJobs() {
    // Bounded, so that tasks that keep making tasks cannot starve the descriptors.
    for _ in 0..<8 {
      inbox.withLock { swap(&$0, &running) }
      if running.isEmpty { return }
      let executor = asUnownedSerialExecutor()
      for job in running { job.runSynchronously(on: executor) }
      running.removeAll(keepingCapacity: true)
    }
  }

  private func runTimers() {
    if timers.liveCount == 0 { return }
    let now = MonotonicClock.now
    while let body = timers.popDue(now) {
      LoopActor.assumeIsolated { body() }
      runJobs()
    }
  }

  private func waitMilliseconds(_ limit: Duration?) -> Int32 {
    var wait = limit.map { $0.nanosecondsClamped } ?? UInt64.max
    if let due = timers.earliest {
      let now = MonotonicClock.now
      wait = min(wait, due > now ? due - now : 0)
    }
    if wait == UInt64.max { return -1 }
    // Rounded up: waking a moment early would spin until the timer is due.
    return Int32(clamping: (wait &+ 999_999) / 1_000_000)
  }
}
