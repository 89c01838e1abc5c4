import Multiprocessing

/// Items a second through `map`.
enum MapRate {
  static let workers = 2

  /// A million trivial items in chunks of the usual size.
  static func measureDefault(_ options: Options, _ report: inout Report) async throws {
    let pool = try ProcessPool(size: workers)
    _ = try await pool.map(BenchmarkFunctions.successor, 0..<100)
    let count = 1_000_000
    for _ in 0..<options.scaled(10) {
      let (time, sums) = try await seconds { try await pool.map(BenchmarkFunctions.successor, 0..<count) }
      check(sums.count == count && sums.first == 1 && sums.last == count, "map gave other values")
      report.add("map, default chunks, items/s", ours: Double(count) / time)
    }
    await pool.join()
  }

  /// Trivial items one by one, beside a socket pair with 64 messages on their way.
  static func measureOneByOne(_ options: Options, _ report: inout Report) async throws {
    let pool = try ProcessPool(size: workers)
    let echo = EchoProcess()
    _ = try await pool.map(BenchmarkFunctions.successor, 0..<100)
    let count = options.scaled(100_000)
    for _ in 0..<options.scaled(10) {
      let floor = echo.pipelined(count, window: 64)
      let (time, sums) = try await seconds {
        try await pool.map(BenchmarkFunctions.successor, 0..<count, chunkSize: 1)
      }
      check(sums.count == count && sums.first == 1 && sums.last == count, "map gave other values")
      report.add("map, chunks of 1, items/s", ours: Double(count) / time, floor: Double(count) / floor)
    }
    await pool.join()
  }
}
