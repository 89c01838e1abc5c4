import Glibc
import Multiprocessing

extension Scenario {
  /// What only processes can do.
  static let processes: [String: Scenario] = [
    "crash": Scenario { _, check in
      let pool = try ProcessPool(size: 2)
      let bystander = try await pool.submit(Functions.nap, 500)
      let error = await check.error("trap") { () throws(CallError) in try await pool.run(Functions.trap, 7) }
      guard case .crashed(let crash) = error else { return check.fail("\(String(describing: error))") }
      check([SIGILL, SIGTRAP].contains(crash.signal ?? 0) && crash.exitStatus == nil, "\(crash)")
      check(crash.backtrace?.contains("Index out of range") == true, "\(crash.backtrace ?? "no backtrace")")
      check.equal(try await bystander.value, 500)
      let left = await check.error("exit") { () throws(CallError) in try await pool.run(Functions.leave, 3) }
      guard case .crashed(let end) = left else { return check.fail("\(String(describing: left))") }
      check(end.signal == nil && end.exitStatus == 3, "\(end)")
      check.equal(try await pool.map(Functions.square, 0..<100), (0..<100).map { $0 * $0 }, "after crashes:")
    },
    "crash_in_many": Scenario { _, check in
      let pool = try ProcessPool(size: 2)
      var crashed: [Int] = []
      var values: [Int] = []
      for await item in pool.results(Functions.trap, [0, 1, 9, 2]) {
        switch item.result {
        case .success(let value): values.append(value)
        case .failure(.crashed): crashed.append(item.index)
        case .failure(let error): check.fail("\(error)")
        }
      }
      check.equal(crashed, [2])
      check.equal(values.sorted(), [1, 2, 3])
      let error = await check.error("map") { () throws(CallError) in
        try await pool.map(Functions.trap, [0, 1, 9, 2], chunkSize: 1)
      }
      guard case .crashed = error else { return check.fail("\(String(describing: error))") }
    },
    "killed": Scenario { _, check in
      let pool = try ProcessPool(size: 1)
      let sign = Sign()
      let call = try await pool.submit(Functions.deafSpin, sign.path)
      check(try await sign.appears(), "it does not begin")
      for pid in await pool.workerPIDs { kill(pid, SIGKILL) }
      let error = await check.error("killed") { () throws(CallError) in try await call.value }
      check.equal(error, .crashed(Crash(signal: SIGKILL, exitStatus: nil, backtrace: nil)))
      check.equal(try await pool.run(Functions.square, 3), 9, "the pool did not heal:")
    },
    "deaf": Scenario { _, check in
      let pool = try ProcessPool(size: 1)
      let one = Sign()
      let other = Sign()
      let path = one.path
      let late = await check.error("timeout") { () throws(CallError) in
        try await pool.run(Functions.deafSpin, path, limits: .timeout(.milliseconds(200)))
      }
      check.equal(late, .timedOut)
      let call = try await pool.submit(Functions.deafSpin, other.path)
      check(try await other.appears(), "it does not begin")
      call.cancel()
      check.equal(await check.error("cancel") { () throws(CallError) in try await call.value }, .cancelled)
    },
    "limits": Scenario { _, check in
      let pool = try ProcessPool(size: 1)
      let fat = await check.error("memory") { () throws(CallError) in
        try await pool.run(Functions.takeMemory, 2000, limits: CallLimits(memoryBytes: 100 << 20))
      }
      check.equal(fat, .memoryExceeded)
      let sign = Sign()
      let path = sign.path
      let busy = await check.error("CPU time") { () throws(CallError) in
        try await pool.run(Functions.deafSpin, path, limits: CallLimits(cpuTime: .milliseconds(150)))
      }
      check.equal(busy, .cpuTimeExceeded)
      // Sleeping takes none.
      check.equal(try await pool.run(Functions.nap, 400, limits: CallLimits(cpuTime: .milliseconds(150))), 400)
    },
    "max_jobs": Scenario { _, check in
      let pool = try ProcessPool(size: 1, maxJobsPerWorker: 2)
      var pids: [Int32] = []
      for _ in 0..<6 { pids.append(try await pool.run(Functions.pid)) }
      check.equal(Set(pids).count, 3)
    },
    "workers": Scenario { _, check in
      let pool = try ProcessPool(size: 8)
      let pids = try await pool.map(Functions.napAndPID, Array(repeating: 50, count: 40), chunkSize: 1)
      check.equal(Set(pids).count, 8)
      check(!pids.contains(getpid()), "it ran here")
    },
    "preload": Scenario { _, check in
      let pool = try ProcessPool(size: 2)
      check.equal(try await pool.run(Functions.tableSum), 5050)
    },
    "preload_fails": Scenario { _, check in
      let pool = try ProcessPool(size: 1)
      let reason = CallError.unavailable("the preload failed: 7 is refused")
      let first = await check.error("first") { () throws(CallError) in try await pool.run(Functions.square, 3) }
      check.equal(first, reason)
      check.equal(
        await check.error("later") { () throws(CallError) in try await pool.run(Functions.square, 3) }, reason)
    },
    "printing": Scenario { _, _ in
      // The last words of both pools, one joined and one in use, come before the program's end.
      let (joined, used) = (try ProcessPool(size: 2), try ProcessPool(size: 2))
      try await joined.map(Functions.say, (0..<50).map { "joined \($0)" }, chunkSize: 1)
      await joined.join()
      try await used.map(Functions.say, (0..<50).map { "used \($0)" }, chunkSize: 1)
      withExtendedLifetime(used) {}
    },
    "shared_counter": Scenario { _, check in
      let counter = try SharedValue(0)
      let pool = try ProcessPool(size: 4, initializer: WorkerInitializer(Functions.useCounter, counter))
      try await pool.map(Functions.increment, Array(repeating: 1000, count: 100), chunkSize: 1)
      check.equal(counter.value, 100_000)
      // As an argument of a call, too.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<10 { group.addTask { try await pool.run(Functions.incrementGiven, counter, 100) } }
        try await group.waitForAll()
      }
      check.equal(counter.value, 101_000)
    },
    "initializer_fails": Scenario { _, check in
      let tries = try SharedValue(0)
      let pool = try ProcessPool(size: 1, initializer: WorkerInitializer(Functions.useCounter, tries))
      check.equal(try await pool.run(Functions.square, 3), 9)
      let stubborn = try ProcessPool(size: 1, initializer: WorkerInitializer(Functions.refuseSevens, 7))
      for _ in 0..<3 {
        let error = await check.error("run") { () throws(CallError) in try await stubborn.run(Functions.square, 3) }
        check.equal(error, .initializerFailed("7 is refused"))
      }
      // It failed when the worker was born, and does not when it is tried again.
      let late = try ProcessPool(size: 1, initializer: WorkerInitializer(Functions.prepareAtSecondTry, tries))
      check.equal(try await late.run(Functions.square, 3), 9)
      check.equal(tries.value, 2)
    },
    "bad_use": Scenario { _, check in
      let pool = try ProcessPool(size: 1)
      check.equal(
        await check.error("unregistered") { () throws(CallError) in try await pool.run(Functions.unregistered, 3) },
        .unregistered("unregistered"))
      do throws(CallError) {
        _ = try ProcessPool(size: 1, initializer: WorkerInitializer(Functions.unregistered, 1))
        check.fail("an initializer that nobody registered was taken")
      } catch {
        check.equal(error, .unregistered("unregistered"))
      }
      let secret = await check.error("result") { () throws(CallError) in try await pool.run(Functions.secretive, false)
      }
      check.equal(secret, .unencodable(.unencodable(type: "Secret", reason: "1 is refused")))
      check.equal(try await pool.run(Functions.secretive, true).tells, true)
      let nested = await check.error("a pool in a worker") { () throws(CallError) in
        try await pool.run(Functions.poolInPool)
      }
      guard case .threw(let text) = nested else { return check.fail("\(String(describing: nested))") }
      check(text.contains("a worker has no launcher"), text)
      do throws(MultiprocessingError) {
        try Launcher.start([Functions.square])
        check.fail("a launcher was started beside threads")
      } catch {
        check(error.description.contains("threads"), error.description)
      }
    },
    "large": Scenario { _, check in
      let pool = try ProcessPool(size: 1)
      var bytes = [UInt8](repeating: 7, count: 64 << 20)
      bytes[0] = 1
      let swapped = try await pool.run(Functions.swapEnds, bytes)
      bytes.swapAt(0, bytes.count - 1)
      check(swapped == bytes, "64 MB changed on their way")
    },
    "million": Scenario { _, check in
      let pool = try ProcessPool(size: 2)
      let squares = try await pool.map(Functions.square, 0..<1_000_000)
      check(squares.elementsEqual((0..<1_000_000).lazy.map { $0 * $0 }), "wrong squares")
      var sum = 0
      for await item in pool.results(Functions.square, 0..<10_000) { sum &+= try item.value }
      check.equal(sum, (0..<10_000).reduce(0) { $0 &+ $1 * $1 })
    },
    "nothing_left": Scenario { _, check in
      var pids: [Int32] = []
      for _ in 0..<3 {
        // Let go of, terminated, and joined.
        let (dropped, killed, joined) = (try ProcessPool(size: 1), try ProcessPool(size: 1), try ProcessPool(size: 1))
        for pool in [dropped, killed, joined] { pids.append(try await pool.run(Functions.pid)) }
        killed.terminate()
        await joined.join()
        check(kill(pids[pids.count - 1], 0) != 0, "a joined pool's worker is there")
      }
      let end = ContinuousClock.now + .seconds(20)
      while pids.contains(where: { kill($0, 0) == 0 }) {
        if ContinuousClock.now > end { return check.fail("workers are left") }
        try await Task.sleep(for: .milliseconds(5))
      }
    },
  ]
}
