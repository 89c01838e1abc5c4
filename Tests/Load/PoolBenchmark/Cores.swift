import Multiprocessing

/// CPU-bound items on two workers beside the same on one.
enum Cores {
  static func measure(_ options: Options, _ report: inout Report) async throws {
    let one = try ProcessPool(size: 1)
    let two = try ProcessPool(size: 2)
    let seeds = (1...UInt64(options.isQuick ? 8 : 40)).map { $0 }
    let expected = try await one.map(BenchmarkFunctions.burn, seeds)
    for _ in 0..<options.scaled(5) {
      let (alone, _) = try await seconds { try await one.map(BenchmarkFunctions.burn, seeds, chunkSize: 1) }
      let (together, ends) = try await seconds { try await two.map(BenchmarkFunctions.burn, seeds, chunkSize: 1) }
      check(ends == expected, "two workers compute otherwise than one")
      report.add(
        "CPU-bound map on 2 workers, items/s", ours: Double(seeds.count) / together,
        floor: Double(seeds.count) / alone)
    }
    await one.join()
    await two.join()
  }
}
