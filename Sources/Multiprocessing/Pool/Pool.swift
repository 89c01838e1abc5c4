// Pools run functions elsewhere, and give their values back. What a pool is asked is the same whatever it runs them in; so
// the name of a type in one line moves work from threads to processes.

/// Runs functions concurrently, so many at a time: in processes (``ProcessPool``), on threads (``ThreadPool``) or in tasks
/// (``TaskPool``).
///
/// ```swift
/// let pool: any Pool = try ProcessPool(size: 4)        // or ThreadPool(size: 4), or TaskPool(size: 100)
/// let nine = try await pool.run(square, 3)
/// let squares = try await pool.map(square, 1...1000)   // in order
/// for await item in pool.results(square, 1...1000) {   // as they end
///   print(item.index, try item.value)
/// }
/// await pool.join()
/// ```
///
/// It takes as many calls as it has room for; further callers wait in line (tasks suspend, ``apply(_:_:limits:)`` blocks its
/// thread), so that memory stays bounded. Awaiting a call never blocks a thread.
public protocol Pool: Sendable {
  /// Calls that can run at the same time.
  var size: Int { get }

  /// Who may come in. For the pools of this module.
  var gate: PoolGate { get }

  /// Starts a call and tells it its end, exactly once, from any thread, maybe from within this function. For the pools of this
  /// module: others use `run` and its kin.
  func start(_ work: PoolWork) -> any StartedCall

  /// Ends every call now as ``CallError/lost(_:)``: processes are killed, threads and tasks told. The pool takes no more. May be
  /// called twice.
  func terminate()

  /// Takes no more calls, and returns when all have ended and nothing of the pool is left. May be called twice.
  func join() async
}

extension Pool {
  /// Takes no more calls: they throw ``CallError/closed``. What it has taken runs on.
  public func close() { gate.close() }

  /// The same as the asynchronous `join`, for synchronous programs: blocks the thread.
  @available(*, noasync, message: "use the async join, which suspends and does not block")
  public func join() {
    let gate = ThreadGate()
    Task {
      await join()
      gate.open()
    }
    _ = gate.wait(nil)
  }
}
