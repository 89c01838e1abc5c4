import Glibc
import Multiprocessing
import Synchronization

extension Scenario {
  /// What every kind of pool must do.
  static let exam: [String: Scenario] = [
    "values": Scenario { kind, check in
      let pool = try kind.pool(2)
      check.equal(try await pool.run(Functions.square, 12), 144)
      check.equal(try await pool.run(Functions.power, 2, 10), 1024)
      check.equal(try await pool.run(Functions.answer), 42)
      check.equal(try await pool.run(Functions.nap, 1), 1)
      await pool.join()
    },
    "map": Scenario { kind, check in
      let pool = try kind.pool(3)
      let expected = (0..<1000).map { $0 * $0 }
      check.equal(try await pool.map(Functions.square, 0..<1000), expected)
      for size in [1, 7, 1000, 5000] {
        check.equal(try await pool.map(Functions.square, 0..<1000, chunkSize: size), expected, "chunks of \(size):")
      }
      // Numbers and texts go by different ways, and so do chunks that are many items long.
      let texts = (0..<1000).map { "\($0)" }
      for size in [1, 7, 64, 400] {
        check.equal(try await pool.map(Functions.digits, 0..<1000, chunkSize: size), texts, "texts, chunks of \(size):")
        let lengths = try await pool.map(Functions.length, texts, chunkSize: size)
        check.equal(lengths, texts.map(\.count), "lengths, chunks of \(size):")
      }
      check.equal(try await pool.map(Functions.square, [Int]()), [])
      check.equal(try await pool.map(Functions.nap, [30, 1, 20, 2], chunkSize: 1), [30, 1, 20, 2])
      check.equal(try await pool.starmap(Functions.power, [(2, 5), (3, 2), (10, 3)]), [32, 9, 1000])
    },
    "errors": Scenario { kind, check in
      let pool = try kind.pool(2)
      check.equal(
        await check.error("run") { () throws(CallError) in try await pool.run(Functions.refuseSevens, 14) },
        .threw("14 is refused"))
      let mapped = await check.error("map") { () throws(CallError) in
        try await pool.map(Functions.refuseSevens, [1, 2, 21, 4], chunkSize: 4)
      }
      check.equal(mapped, .threw("21 is refused"))
      // Chunks that wait never start: of those that refuse, few were asked, and the first to answer is the map's error.
      for size in [1, 100] {
        let first = await check.error("map") { () throws(CallError) in
          try await pool.map(Functions.refuseSevens, 1...100_000, chunkSize: size)
        }
        guard case .threw(let text) = first, let number = Int(text.prefix { $0.isNumber }) else {
          check(false, "chunks of \(size): the map ended as \(first as Any)")
          continue
        }
        check(number % 7 == 0 && number < 50_000, "chunks of \(size): the first error is that of \(number)")
      }
      var values: [Int] = []
      var refused: [Int] = []
      for await item in pool.results(Functions.refuseSevens, 1...20, chunkSize: 3) {
        if case .success(let value) = item.result { values.append(value) } else { refused.append(item.index) }
      }
      check.equal(values.sorted(), (1...20).filter { $0 % 7 != 0 })
      check.equal(refused.sorted(), [6, 13])
      check.equal(try await pool.run(Functions.square, 3), 9, "after errors:")
    },
    "handles": Scenario { kind, check in
      let pool = try kind.pool(2)
      let long = try await pool.submit(Functions.nap, 400)
      check(!long.isReady && long.isSuccessful == nil, "ready before its time")
      let early = await check.error("value(timeout:)") { () throws(CallError) in
        try await long.value(timeout: .milliseconds(10))
      }
      check.equal(early, .notReady)
      check.equal(try await long.value, 400)
      check(long.isReady && long.isSuccessful == true, "not ready at its end")
      let bad = try await pool.submit(Functions.refuseSevens, 7)
      check(await bad.wait(timeout: .seconds(20)), "it does not end")
      check.equal(bad.isSuccessful, false)
      check.equal(bad.resultNow?.failure, .threw("7 is refused"))
    },
    "callbacks": Scenario { kind, check in
      let pool = try kind.pool(2)
      let (told, teller) = AsyncStream.makeStream(of: String.self)
      for number in [6, 7] {
        try await pool.submit(
          Functions.refuseSevens, number, callback: { teller.yield("value \($0)") },
          errorCallback: { teller.yield("error \($0)") })
      }
      var heard: [String] = []
      for await text in told {
        heard.append(text)
        if heard.count == 2 { break }
      }
      check.equal(heard.sorted(), ["error the function threw: 7 is refused", "value 6"])
    },
    "cancel": Scenario { kind, check in
      let pool = try kind.pool(1)
      let sign = Sign()
      let running = try await pool.submit(Functions.computeUntilCancelled, sign.path)
      check(try await sign.appears(), "it does not begin")
      let other = Sign()
      let waiting = try await pool.submit(Functions.computeUntilCancelled, other.path)
      waiting.cancel()
      let never = await check.error("waiting") { () throws(CallError) in try await waiting.value }
      check.equal(never, .cancelled)
      running.cancel()
      let stopped = await check.error("running") { () throws(CallError) in try await running.value }
      check.equal(stopped, .cancelled)
      check.equal(try await pool.run(Functions.square, 3), 9, "after cancelling:")
      check(access(other.path, F_OK) != 0, "a call that was cancelled before it began ran")
    },
    "cancelled_task": Scenario { kind, check in
      let pool = try kind.pool(1)
      let sign = Sign()
      let path = sign.path
      let task = Task { () throws(CallError) in try await pool.run(Functions.computeUntilCancelled, path) }
      check(try await sign.appears(), "it does not begin")
      task.cancel()
      if case .failure(let error) = await task.result {
        check.equal(error as? CallError, .cancelled)
      } else {
        check.fail("a value")
      }
      check.equal(try await pool.run(Functions.square, 3), 9, "after cancelling:")
    },
    "timeout": Scenario { kind, check in
      let pool = try kind.pool(1)
      let sign = Sign()
      let path = sign.path
      let late = await check.error("run") { () throws(CallError) in
        try await pool.run(Functions.computeUntilCancelled, path, limits: .timeout(.milliseconds(200)))
      }
      check.equal(late, .timedOut)
      check.equal(try await pool.run(Functions.nap, 1, limits: .timeout(.seconds(20))), 1, "after a timeout:")
      let strict = try kind.pool(1, limits: .timeout(.milliseconds(100)))
      check.equal(
        await check.error("the pool's own") { () throws(CallError) in try await strict.run(Functions.nap, 60_000) },
        .timedOut)
    },
    "as_completed": Scenario { kind, check in
      let pool = try kind.pool(2)
      let inputs = [1, 3, 5, 22, 100_000_000]
      var order: [Int] = []
      for await item in pool.results(Functions.countSteps, inputs) {
        _ = try item.value
        order.append(inputs[item.index])
      }
      check.equal(order.last, 100_000_000, "the long one is not the last of \(order):")
      check.equal(order.sorted(), inputs)
    },
    "ordered_results": Scenario { kind, check in
      let pool = try kind.pool(3)
      var order: [Int] = []
      for await item in pool.orderedResults(Functions.nap, [40, 1, 20, 2, 3, 30, 1]) { order.append(try item.value) }
      check.equal(order, [40, 1, 20, 2, 3, 30, 1])
      var indexes: [Int] = []
      for await item in pool.orderedResults(Functions.square, 0..<500, chunkSize: 7) {
        check.equal(try item.value, item.index * item.index)
        indexes.append(item.index)
      }
      check.equal(indexes, Array(0..<500))
    },
    "endless_inputs": Scenario { kind, check in
      let pool = try kind.pool(2)
      let taken = Mutex(0)
      let inputs = AnyEndless {
        taken.withLock { taken in
          taken += 1
          return taken
        }
      }
      var seen = 0
      for await item in pool.results(Functions.square, inputs) {
        _ = try item.value
        seen += 1
        if seen == 100 { break }
      }
      // Of an endless sequence no more is taken than is read, and what may be in flight.
      check(taken.withLock { $0 } < 100 + 200, "\(taken.withLock { $0 }) inputs were taken for 100 results")
      await pool.join()
    },
    "two_workers_five_tasks": Scenario { kind, check in
      let pool = try kind.pool(2)
      let clock = ContinuousClock.now
      let naps = try await pool.map(Functions.nap, [100, 100, 100, 100, 100], chunkSize: 1)
      check.equal(naps, [100, 100, 100, 100, 100])
      check(ContinuousClock.now - clock >= .milliseconds(300), "more than two ran at a time")
    },
    "five_hundred_tasks": Scenario { kind, check in
      let pool = try kind.pool(8, mostWaiting: 16)
      let sum = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<500 { group.addTask { try await pool.run(Functions.square, number) } }
        return try await group.reduce(0, +)
      }
      check.equal(sum, (0..<500).map { $0 * $0 }.reduce(0, +))
    },
    "room": Scenario { kind, check in
      let pool = try kind.pool(1, mostWaiting: 1)
      let sign = Sign()
      let first = try await pool.submit(Functions.computeUntilCancelled, sign.path)
      let second = try await pool.submit(Functions.square, 2)
      let isIn = Mutex(false)
      let third = Task {
        let call = try await pool.submit(Functions.square, 3)
        isIn.withLock { $0 = true }
        return try await call.value
      }
      check(try await sign.appears(), "it does not begin")
      try await Task.sleep(for: .milliseconds(50))
      check(!isIn.withLock { $0 }, "a third call was taken where there is room for two")
      let fourth = Task { () async throws(CallError) in try await pool.submit(Functions.square, 4) }
      fourth.cancel()
      if case .failure(let error) = await fourth.result {
        check.equal(error as? CallError, .cancelled)
      } else {
        check.fail("taken")
      }
      first.cancel()
      check.equal(try await second.value, 4)
      check.equal(try await third.value, 9)
    },
    "close": Scenario { kind, check in
      let pool = try kind.pool(2)
      let last = try await pool.submit(Functions.nap, 100)
      pool.close()
      check.equal(await check.error("run") { () throws(CallError) in try await pool.run(Functions.square, 1) }, .closed)
      check.equal(
        await check.error("map") { () throws(CallError) in try await pool.map(Functions.square, [1]) }, .closed)
      for await item in pool.results(Functions.square, [1, 2]) { check.equal(item.result.failure, .closed) }
      await pool.join()
      check.equal(last.resultNow, .success(100), "join did not wait:")
      await pool.join()
    },
    "terminate": Scenario { kind, check in
      let pool = try kind.pool(1)
      let sign = Sign()
      let running = try await pool.submit(Functions.computeUntilCancelled, sign.path)
      let waiting = try await pool.submit(Functions.nap, 60_000)
      check(try await sign.appears(), "it does not begin")
      pool.terminate()
      pool.terminate()
      let ended = await check.error("running") { () throws(CallError) in try await running.value }
      check.equal(ended, .lost("the pool was terminated"))
      let unbegun = await check.error("waiting") { () throws(CallError) in try await waiting.value }
      check.equal(unbegun, .lost("the pool was terminated"))
      check.equal(
        await check.error("later") { () throws(CallError) in try await pool.run(Functions.square, 1) }, .closed)
      await pool.join()
    },
    "terminate_map": Scenario { kind, check in
      // At any moment of a map, the last ones too: it ends, well or as lost.
      for round in 0..<40 {
        let pool = try kind.pool(2)
        let map = Task { () async throws(CallError) in
          try await pool.map(Functions.square, 0..<2000, chunkSize: 100)
        }
        _ = try await pool.run(Functions.nap, round % 5)
        pool.terminate()
        switch await map.result {
        case .success(let squares): check.equal(squares.count, 2000)
        case .failure(let error):
          check([.lost("the pool was terminated"), .closed].contains(error as? CallError), "\(error)")
        }
      }
    },
    "blocking": Scenario { kind, check in
      let pool = try kind.pool(2)
      let thread = BlockingThread {
        check.equal(try pool.apply(Functions.square, 9), 81)
        let call = try pool.submit(Functions.nap, 300)
        do throws(CallError) {
          _ = try call.blockingValue(timeout: .milliseconds(10))
          check.fail("a value before its time")
        } catch {
          check.equal(error, .notReady)
        }
        check.equal(try call.blockingValue(), 300)
      }
      if let error = await thread.error { check.fail("\(error)") }
    },
  ]
}

extension Result {
  var failure: Failure? {
    if case .failure(let error) = self { error } else { nil }
  }
}

/// A sequence that never ends.
struct AnyEndless: Sequence, IteratorProtocol, Sendable {
  let make: @Sendable () -> Int
  func next() -> Int? { make() }
  init(_ make: @escaping @Sendable () -> Int) { self.make = make }
}

/// Synchronous code on a thread of its own.
struct BlockingThread {
  private let body: @Sendable () throws -> Void

  init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }

  /// Runs it, and gives what it threw.
  var error: (any Error)? {
    get async {
      await withCheckedContinuation { continuation in
        let work = Work {
          do {
            try body()
            continuation.resume(returning: nil)
          } catch {
            continuation.resume(returning: error)
          }
        }
        var thread = pthread_t()
        let failure = pthread_create(
          &thread, nil,
          { work in
            if let work { Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body() }
            return nil
          }, Unmanaged.passRetained(work).toOpaque())
        precondition(failure == 0, "no thread")
        pthread_detach(thread)
      }
    }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
}
