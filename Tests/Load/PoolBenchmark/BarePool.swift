import EventLoop
import Glibc
import Multiprocessing

/// The pool of bytes, asked on the loop: what typed pools, and a server's jobs, stand on.
@LoopActor
final class BarePool {
  let pool: WorkerPool

  init(size: Int, spin: Duration = .zero) async throws {
    pool = WorkerPool(
      size: size, forkServer: try Launcher.startForkServer(), limits: PoolLimits(spin: spin))
    pool.start()
    for _ in 0..<size { check(try await call(PoolCall("noop")) != nil, "a no-op failed") }
  }

  func end() async { await pool.terminateAndWait() }

  /// What a call returned; `nil` if it ended otherwise.
  func call(_ call: PoolCall) async throws -> Payload? {
    let end = try await pool.run(call)
    guard case .returned(let payload, _) = end.outcome else { return nil }
    return payload
  }

  /// Nanoseconds of each of so many no-op calls, one at a time.
  func roundTrips(_ count: Int) async throws -> [Double] {
    var times: [Double] = []
    times.reserveCapacity(count)
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      next()
      @LoopActor func next() {
        if times.count == count { return done.resume() }
        let began = MonotonicClock.now
        do {
          try pool.run(PoolCall("noop", measuresUsage: false)) { end in
            times.append(Double(MonotonicClock.now - began))
            if case .returned = end.outcome {} else { check(false, "\(end)") }
            next()
          }
        } catch {
          check(false, "\(error)")
        }
      }
    }
    return times
  }
}
