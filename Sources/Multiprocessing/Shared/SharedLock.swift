import EventLoop

/// A lock that several processes share, and that a holder's death does not close for ever: Python's `Lock` and `RLock`.
///
/// ```swift
/// let lock = try SharedLock()
/// let log = try ChildProcess(Functions.appendLines, lock, "lines.txt")
/// lock.withLock { appendLines(to: "lines.txt") }
/// ```
///
/// A holder that is killed, in whatever instruction, loses the lock; the next one gets it and is told
/// (``Grant/previousHolderDied``), because what the lock guards may be half changed. Python's locks stay closed then.
///
/// It is passed to other processes as an argument or a part of one, through a pipe or a queue. It blocks the thread that
/// waits, also in asynchronous code: hold it for moments. It cannot be held over an `await`.
public final class SharedLock: Sendable {
  let region: SharedRegion
  private let mutex: RobustMutex

  /// - Parameter isRecursive: whether the thread that holds it may take it once more, as Python's `RLock`; otherwise that stops
  ///   the process with a message, because it would wait for itself.
  public convenience init(isRecursive: Bool = false) throws(MultiprocessingError) {
    try self.init(makingIn: SharedRegion(.init(.lock)), isRecursive: isRecursive)
  }

  /// The lock of a new region.
  init(makingIn region: SharedRegion, isRecursive: Bool) throws(MultiprocessingError) {
    self.region = region
    mutex = try RobustMutex(makingAt: region.base + SharedRegion.headerBytes, isRecursive: isRecursive)
  }

  /// The lock of a region that another process made.
  init(in region: SharedRegion) {
    self.region = region
    mutex = RobustMutex(at: region.base + SharedRegion.headerBytes)
  }

  /// What the holder knows of how it got the lock.
  public struct Grant: Sendable, Equatable {
    /// The holder before ended without giving the lock back: check, and repair, what the lock guards. Only the next holder
    /// is told.
    public let previousHolderDied: Bool

    init(_ grant: RobustMutex.Grant) { previousHolderDied = grant == .afterDeath }
  }

  // MARK: - For the length of a closure

  /// Waits for the lock, and holds it while `body` runs.
  public func withLock<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    _ = mutex.lock()
    defer { mutex.unlock() }
    return try body()
  }

  /// The same for who wants to know whether the holder before died.
  ///
  /// ```swift
  /// lock.withLock { grant in
  ///   if grant.previousHolderDied { rebuildIndex() }
  ///   append(record)
  /// }
  /// ```
  public func withLock<Result, Failure: Error>(_ body: (Grant) throws(Failure) -> Result) throws(Failure) -> Result {
    let grant = Grant(mutex.lock())
    defer { mutex.unlock() }
    return try body(grant)
  }

  /// The same for who waits no longer than `timeout`; `nil`: others held it all the time.
  public func withLock<Result, Failure: Error>(
    timeout: Duration, _ body: (Grant) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    guard let grant = mutex.lock(until: MonotonicClock.now + timeout.nanosecondsClamped) else { return nil }
    defer { mutex.unlock() }
    return try body(Grant(grant))
  }

  // MARK: - By hand

  /// Waits for the lock. The same thread unlocks it.
  @available(*, noasync, message: "a lock belongs to a thread: use withLock")
  @discardableResult
  public func lock() -> Grant { held(mutex.lock()) }

  /// Waits no longer than `timeout`; `nil`: others held it all the time. Python's `acquire(timeout=)`.
  @available(*, noasync, message: "a lock belongs to a thread: use withLock(timeout:)")
  public func lock(timeout: Duration) -> Grant? {
    mutex.lock(until: MonotonicClock.now + timeout.nanosecondsClamped).map(held)
  }

  /// Takes the lock if nobody holds it; `nil`: somebody does. Python's `acquire(block=False)`.
  @available(*, noasync, message: "a lock belongs to a thread: use withLock(timeout:)")
  public func tryLock() -> Grant? { mutex.tryLock().map(held) }

  /// Gives the lock back. Stops the process if the calling thread does not hold it.
  @available(*, noasync, message: "a lock belongs to a thread: use withLock")
  public func unlock() {
    mutex.unlock()
    Unmanaged.passUnretained(self).release()
  }

  /// The C library's list of what a thread holds leads through the locks themselves: the memory of one that is held must stay
  /// mapped, whoever lets go of this object.
  private func held(_ grant: RobustMutex.Grant) -> Grant {
    _ = Unmanaged.passRetained(self)
    return Grant(grant)
  }
}
