import Glibc
import Multiprocessing

extension Scenario {
  /// asyncio's idioms, as Swift's task groups over the calls of a pool.
  static let asynchrony: [String: Scenario] = [
    // asyncio.gather: all values, in the order of the inputs.
    "gather": Scenario { kind, check in
      let pool = try kind.pool(2)
      async let nine = pool.run(Functions.square, 3)
      async let kibi = pool.run(Functions.power, 2, 10)
      check.equal([try await nine, try await kibi], [9, 1024])
      let squares = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
        for number in 0..<50 { group.addTask { (number, try await pool.run(Functions.square, number)) } }
        return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
      }
      check.equal(squares, Dictionary(uniqueKeysWithValues: (0..<50).map { ($0, $0 * $0) }))
    },
    // asyncio.as_completed: each value as soon as it is there.
    "group_as_completed": Scenario { kind, check in
      let pool = try kind.pool(3)
      let order = try await withThrowingTaskGroup(of: Int.self) { group in
        for milliseconds in [600, 1, 300] { group.addTask { try await pool.run(Functions.nap, milliseconds) } }
        return try await group.reduce(into: [Int]()) { $0.append($1) }
      }
      check.equal(order, [1, 300, 600])
    },
    // asyncio.wait_for: a value in time, or the call is cancelled.
    "wait_for": Scenario { kind, check in
      let pool = try kind.pool(1)
      let late = try await withThrowingTaskGroup(of: Int?.self) { group in
        group.addTask { try await pool.run(Functions.nap, 60_000) }
        group.addTask {
          try await Task.sleep(for: .milliseconds(100))
          return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
      }
      check.equal(late, nil)
      // The group has waited for the cancelled call's end: the one worker is free.
      check.equal(try await pool.run(Functions.square, 3), 9)
    },
    // asyncio.gather with many more callers than there are threads: none blocks one.
    "waiting_blocks_no_thread": Scenario { kind, check in
      let pool = try kind.pool(1)
      let sign = Sign()
      let call = try await pool.submit(Functions.computeUntilCancelled, sign.path)
      check(try await sign.appears(), "it does not begin")
      // Each of these waits for the one worker, until the call above is cancelled by a task that needs a thread too.
      async let sum = withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<200 { group.addTask { try await pool.run(Functions.square, number) } }
        return try await group.reduce(0, +)
      }
      try await Task.sleep(for: .milliseconds(50))
      call.cancel()
      check.equal(try await sum, (0..<200).map { $0 * $0 }.reduce(0, +))
    },
  ]
}
