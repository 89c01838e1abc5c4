import EventLoop
import Glibc
import Multiprocessing

/// A worker is killed under its call while another call waits: how long until that one runs on the replacement.
@LoopActor
enum Replacement {
  static func measure(_ options: Options, _ report: inout Report) async throws {
    let bare = try await BarePool(size: 1)
    for _ in 0..<options.scaled(200) {
      report.add("killed worker to next call, ms", ours: try await once(bare.pool))
    }
    await bare.end()
  }

  private static func once(_ pool: WorkerPool) async throws -> Double {
    var victim: Int32 = 0
    var killedAt: UInt64 = 0
    var runsAt: UInt64 = 0
    try pool.run(
      PoolCall("spin"),
      events: CallEvents(
        onStarted: { victim = $0 },
        onProgress: { _ in
          killedAt = MonotonicClock.now
          kill(victim, SIGKILL)
        }),
      completion: { end in
        if case .crashed = end.outcome {} else { check(false, "a killed call ended as \(end.outcome)") }
      })
    _ = try await pool.run(
      PoolCall("pulse"), events: CallEvents(onProgress: { _ in if runsAt == 0 { runsAt = MonotonicClock.now } }))
    check(killedAt > 0 && runsAt > killedAt, "the kill did not land before the next call began")
    return Double(runsAt - killedAt) / 1e6
  }
}
