import EventLoop
import Glibc
import Multiprocessing

/// One no-op call at a time, beside one message at a time.
enum RoundTrip {
  static func measure(_ options: Options, _ report: inout Report) async throws {
    let echo = EchoProcess()
    let bare = try await BarePool(size: 1)
    let spinning = try await BarePool(size: 1, spin: .microseconds(20))
    let typed = try ProcessPool(size: 1)
    _ = try await typed.run(BenchmarkFunctions.nothing, 1)
    let rounds = options.scaled(2000)
    // Close together and often, because other processes share the machine.
    for _ in 0..<options.scaled(20) {
      let floor = echo.roundTrips(rounds).median / 1000
      report.add("round trip, µs", ours: try await bare.roundTrips(rounds).median / 1000, floor: floor)
      report.add(
        "round trip, spinning, µs", ours: try await spinning.roundTrips(rounds).median / 1000, floor: floor)
      report.add("round trip, run from a task, µs", ours: try await runs(typed, rounds).median / 1000, floor: floor)
    }
    typed.close()
    await typed.join()
    await bare.end()
    await spinning.end()
  }

  private static func runs(_ pool: ProcessPool, _ count: Int) async throws -> [Double] {
    var times: [Double] = []
    times.reserveCapacity(count)
    for number in 0..<count {
      let began = MonotonicClock.now
      let answer = try await pool.run(BenchmarkFunctions.nothing, number)
      times.append(Double(MonotonicClock.now - began))
      check(answer == number, "\(answer) instead of \(number)")
    }
    return times
  }
}
