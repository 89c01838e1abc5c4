/// Runs functions on threads of this process, one at a time each: Python's `multiprocessing.dummy` and `ThreadPoolExecutor`.
///
/// ```swift
/// let pool = ThreadPool(size: 4)
/// let lines = try await pool.run(readFile, path)   // may block: the threads are its own, not Swift's cooperative ones
/// ```
///
/// Nothing is copied and nothing forked, so it starts at once; but a function that crashes takes the process with it, and one
/// that does not listen when it is cancelled or out of time keeps its thread.
public final class ThreadPool: Pool {
  public let size: Int
  public let gate: PoolGate
  private let limits: CallLimits
  private let queue = ThreadQueue()

  /// - Parameters:
  ///   - size: threads; `nil`: as many as this process has cores.
  ///   - mostWaiting: calls that are taken while all threads are busy; further callers wait in line.
  ///   - limits: of each call that brings none of its own; a timeout, that is.
  public init(size: Int? = nil, mostWaiting: Int = 1024, limits: CallLimits = .none) {
    let size = size ?? CoreCount.ofThisProcess
    precondition(size > 0, "a pool has at least one thread")
    self.size = size
    self.limits = limits
    gate = PoolGate(room: size + mostWaiting)
    for _ in 0..<size { queue.startThread() }
  }

  deinit { queue.close() }

  public func start(_ work: PoolWork) -> any StartedCall {
    let limits = work.limits ?? self.limits
    let call = LocalWork(work, timeout: limits.timeout, of: self)
    if let fault = limits.onlyForProcesses {
      call.end(.unsupported(fault))
    } else if !queue.add(call) {
      call.end(.lost("the pool was terminated"))
    }
    return call
  }

  public func terminate() {
    gate.close()
    for call in queue.close() { call.end(.lost("the pool was terminated")) }
  }

  /// Takes no more calls, and returns when all have ended and all threads are gone: a function that was told to end and does
  /// not listen holds it up.
  public func join() async {
    gate.close()
    await withCheckedContinuation { continuation in gate.whenEmpty { continuation.resume() } }
    queue.close()
    await withCheckedContinuation { continuation in queue.whenGone { continuation.resume() } }
  }
}
