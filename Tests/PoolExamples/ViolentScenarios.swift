import CLinux
import EventLoop
import Glibc
import Multiprocessing

extension Scenario {
  /// Workers that crash, hang, leak and are killed, and what becomes of the calls.
  static let violent: [String: Scenario] = [
    "crashes": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      let kinds: [(String, [Int32])] = [
        ("trap", [SIGILL, SIGTRAP]), ("fatal_error", [SIGILL, SIGTRAP]), ("segfault", [SIGSEGV]), ("abort", [SIGABRT]),
        ("overflow_stack", [SIGSEGV]),
      ]
      for (name, signals) in kinds {
        var seen: [UInt8] = []
        let begin = MonotonicClock.now
        let end = try await pool.run(PoolCall(name), events: CallEvents(onOutput: { seen.append(contentsOf: $0) }))
        guard case .crashed(let crash) = end.outcome else { return check.fail("\(name): \(end.outcome)") }
        print("\(name): \(crash.backtrace?.utf8.count ?? 0) bytes, \((MonotonicClock.now - begin) / 1_000_000) ms")
        check(signals.contains(crash.signal ?? 0) && crash.exitStatus == nil, "\(name): \(crash)")
        if SwiftBacktrace.isInstalled { check(crash.backtrace?.contains(" at ") == true, "\(name): \(crash)") }
        let output = String(decoding: seen, as: UTF8.self)
        check(!output.contains("Backtrac"), "\(name): the backtrace is in the log: \(output)")
        if name == "trap" { check(output.contains("about to trap"), "\(name): \(output)") }
        if name == "fatal_error" { check(crash.backtrace?.contains("by intent") == true, "\(crash)") }
        check(try await pool.run(PoolCall("nothing")).bytes == [], "\(name): the pool is broken")
      }
      check(pool.restarts == kinds.count, "\(pool.restarts) restarts")
    },
    "bare_crash": Scenario { handle, check in
      // Run without Swift's backtracer, as where no toolchain is installed: the runtime's own words remain.
      let pool = WorkerPool.started(1, handle)
      let end = try await pool.run(PoolCall("fatal_error"))
      guard case .crashed(let crash) = end.outcome else { return check.fail("\(end)") }
      check([SIGILL, SIGTRAP].contains(crash.signal ?? 0), "\(crash)")
      check(crash.backtrace?.contains("Fatal error: by intent") == true, "\(crash)")
    },
    "exit_status": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      let end = try await pool.run(PoolCall("exit_3"))
      guard case .crashed(let crash) = end.outcome else { return check.fail("\(end)") }
      check(crash.signal == nil && crash.exitStatus == 3, "\(crash)")
    },
    "killed_while_running": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      let end = try await pool.runKilled(PoolCall("spin"))
      guard case .crashed(let crash) = end.outcome else { return check.fail("\(end)") }
      check(crash.signal == SIGKILL && crash.backtrace == nil, "\(crash)")
      check(end.usage.wall > .zero, "\(end.usage)")
      let next = try await pool.run(PoolCall("pid"))
      check(next.workerPID != end.workerPID && next.text == "\(next.workerPID ?? 0)", "\(next)")
      check(pool.restarts == 1, "\(pool.restarts) restarts")
    },
    "closed_socket": Scenario { handle, check in
      // A worker whose socket is closed under it still answers through the ring, until it is killed for it.
      let limits = PoolLimits(backoff: RestartBackoff(freeRestarts: 10_000))
      let pool = WorkerPool.started(2, handle, limits)
      var path = Array("/tmp/pool-examples-XXXXXX".utf8CString)
      let notes = mkstemp(&path)
      let name = path.dropLast().map { UInt8(bitPattern: $0) }
      defer {
        close(notes)
        unlink(path)
      }
      let count = 600
      var begun: [UInt8] = []
      var ends = 0
      for number in 0..<count {
        let note = Array("\(number) ".utf8)
        try pool.run(
          PoolCall("note_and_close_sockets", header: name, argument: .bytes(note), mayBeSentAhead: true)
        ) { end in
          ends += 1
          if case .returned(let payload, _) = end.outcome {
            check((try? payload.readAll()) == note, "call \(number) got the answer of another")
          }
          if case .lost = end.outcome { check.fail("call \(number) was lost") }
        }
      }
      check(await pool.until { ends == count }, "\(ends) calls of \(count) ended")
      lseek(notes, 0, SEEK_SET)
      while true {
        var piece = [UInt8](repeating: 0, count: 4096)
        let length = read(notes, &piece, piece.count)
        if length <= 0 { break }
        begun += piece[..<length]
      }
      let numbers = begun.split(separator: UInt8(ascii: " ")).compactMap { Int(String(decoding: $0, as: UTF8.self)) }
      check(Set(numbers).count == numbers.count, "\(numbers.count - Set(numbers).count) calls ran twice")
      check(Set(numbers) == Set(0..<count), "\(count - Set(numbers).count) calls never ran")
    },
    "full_bell": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      check(await pool.until { pool.idleCount == 2 }, "no workers")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 { group.addTask { _ = try await pool.run(PoolCall("fill_bells")) } }
        try await group.waitForAll()
      }
      for round in 0..<4 {
        check(await pool.wakesUp { try pool.run(PoolCall("nap"), completion: $0) }, "asleep in round \(round)")
      }
    },
    "call_before_sleep": Scenario { handle, check in
      // What looks for work just before the loop sleeps, after the pool did, may give it a call.
      let pool = WorkerPool.started(1, handle)
      check(await pool.until { pool.idleCount == 1 }, "no workers")
      for round in 0..<3 {
        let woke = await pool.wakesUp { completion in
          var isDone = false
          EpollLoop.shared.addBeforeSleep {
            if isDone { return nil }
            isDone = true
            do {
              try pool.run(PoolCall("nap"), completion: completion)
            } catch {
              check.fail("\(error)")
            }
            return nil
          }
        }
        check(woke, "asleep in round \(round)")
      }
    },
    "killed_while_idle": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      for round in 1...20 {
        check(await pool.until { pool.idleCount == 1 }, "no worker in round \(round)")
        let victim = pool.workers[0].pid
        kill(victim, SIGKILL)
        // Given to the dead worker or to its replacement: either way it runs, because it never began on the dead one.
        let end = try await pool.run(PoolCall("pid"))
        check(end.bytes != nil, "round \(round): \(end)")
      }
    },
    "timeout": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      for name in ["spin", "sleep", "spin_politely"] {
        let begin = MonotonicClock.now
        let end = try await pool.run(PoolCall(name, timeout: .milliseconds(150)))
        let took = Duration.nanoseconds(Int64(MonotonicClock.now - begin))
        guard case .timedOut = end.outcome else { return check.fail("\(name): \(end)") }
        check(took >= .milliseconds(150) && took < .milliseconds(900), "\(name) took \(took)")
        check(end.usage.wall >= .milliseconds(150), "\(end.usage)")
        if name == "spin" { check(end.usage.cpu > .milliseconds(30), "the killed worker's time is lost: \(end.usage)") }
      }
      check(try await pool.run(PoolCall("nothing", timeout: .seconds(10))).bytes == [], "a limit hit a quick call")
    },
    "memory": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      for name in ["leak_slowly", "leak_at_once"] {
        let end = try await pool.run(PoolCall(name, timeout: .seconds(30), memoryLimitBytes: 64 << 20))
        guard case .memoryExceeded = end.outcome else { return check.fail("\(name): \(end)") }
        check(end.usage.peakMemoryBytes < 300 << 20, "\(name): \(end.usage)")
      }
      let fits = try await pool.run(PoolCall("take_memory", header: [40], memoryLimitBytes: 64 << 20))
      check(fits.bytes == [1], "\(fits)")
      let free = try await pool.run(PoolCall("take_memory", header: [250]))
      check(free.bytes == [1], "a limit outlived its call: \(free)")
    },
    "cancel": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle, PoolLimits(cancelGrace: .milliseconds(300)))
      for (name, isStubborn) in [("spin_politely", false), ("sleep", false), ("spin", true)] {
        let task = CancelAtProgress()
        var endedAt: UInt64 = 0
        let end: FinishedCall = try await withCheckedThrowingContinuation { continuation in
          do {
            task.handle = try pool.run(
              PoolCall(name), events: CallEvents(onProgress: { _ in task.fire(pool) }),
              completion: {
                endedAt = MonotonicClock.now
                continuation.resume(returning: $0)
              })
          } catch {
            continuation.resume(throwing: error)
          }
        }
        guard case .cancelled = end.outcome else { return check.fail("\(name): \(end)") }
        let took = (endedAt - task.firedAt) / 1_000_000
        check(isStubborn ? took >= 300 && took < 2000 : took < 250, "\(name) took \(took) ms to stop")
        check(kill(end.workerPID ?? 0, 0) != 0, "\(name): its process is still there")
      }
      check(pool.restarts == 3, "\(pool.restarts) restarts")
    },
    "cancel_waiting": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      var outcomes: [String] = []
      let first = try pool.run(PoolCall("spin")) { _ in outcomes.append("first") }
      let second = try pool.run(
        PoolCall("spin"), events: CallEvents(onStarted: { _ in outcomes.append("started") }),
        completion: { end in
          if case .cancelled = end.outcome, end.workerPID == nil { outcomes.append("second") }
        })
      pool.cancel(second)
      pool.cancel(second)
      check(outcomes == ["second"], "\(outcomes)")
      pool.cancel(first)
      check(await pool.until { outcomes == ["second", "first"] }, "\(outcomes)")
      let task = Task { @LoopActor in try await pool.run(PoolCall("spin")) }
      check(await pool.until { pool.busyCount == 1 }, "not begun")
      task.cancel()
      let end = try await task.value
      if case .cancelled = end.outcome {} else { check.fail("cancelling the task did not cancel the call: \(end)") }
    },
    "fork_server_killed": Scenario { handle, check in
      let pool = WorkerPool(size: 2, forkServer: handle)
      var troubles: [ForkServerTrouble] = []
      pool.onForkServerTrouble = { troubles.append($0) }
      pool.start()
      for round in 1...3 {
        check(await pool.until { pool.idleCount == 2 }, "no workers in round \(round)")
        let server = pool.forkServerPID ?? 0
        let workers = pool.workers.map(\.pid)
        var lost = 0
        for _ in 0..<2 {
          try pool.run(PoolCall("spin")) { end in if case .lost = end.outcome { lost += 1 } }
        }
        kill(server, SIGKILL)
        check(await pool.until { lost == 2 }, "\(lost) calls were lost")
        check(try await pool.run(PoolCall("nothing")).bytes == [], "no fork server took over")
        for pid in workers { check(kill(pid, 0) != 0, "worker \(pid) outlived its fork server") }
      }
      check(pool.forkServerRestarts == 3, "\(pool.forkServerRestarts) restarts counted")
      check(troubles.first == .died(signal: SIGKILL, exitStatus: nil, pause: .zero), "\(troubles)")
    },
    "nursery_killed": Scenario { handle, check in
      let pool = WorkerPool(size: 1, forkServer: handle)
      var troubles: [ForkServerTrouble] = []
      pool.onForkServerTrouble = { troubles.append($0) }
      pool.start()
      var lost = 0
      for _ in 0..<2 { try pool.run(PoolCall("spin")) { end in if case .lost = end.outcome { lost += 1 } } }
      check(await pool.until { pool.busyCount == 1 }, "not begun")
      let below = pool.workers.map(\.pid) + [pool.forkServerPID ?? 0]
      kill(pool.nurseryPID, SIGKILL)
      check(await pool.until { lost == 2 && troubles.contains(.gone) }, "\(lost) lost, \(troubles)")
      check(refusal(pool, PoolCall("nothing")) == .noForkServer, "taken without a nursery")
      check(await pool.until { below.allSatisfy { kill($0, 0) != 0 } }, "something outlived the nursery")
    },
    "strays": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      var strays: [Int32] = []
      let call = try pool.run(
        PoolCall("leave_child"),
        events: CallEvents(onProgress: { bytes in
          strays = String(decoding: bytes, as: UTF8.self).split(separator: " ").compactMap { Int32($0) }
        }), completion: { _ in })
      check(await pool.until { strays.count == 3 }, "\(strays)")
      for pid in strays { check(kill(pid, 0) == 0, "\(pid) is not there") }
      pool.cancel(call)
      check(await pool.until { strays.allSatisfy { kill($0, 0) != 0 } }, "a worker's child outlived it")
    },
    "tree": Scenario { handle, check in
      // Prints every pid below this process, then waits to be killed.
      let pool = WorkerPool.started(2, handle)
      var strays = ""
      try pool.run(
        PoolCall("leave_child"), events: CallEvents(onProgress: { strays = String(decoding: $0, as: UTF8.self) }),
        completion: { _ in })
      try pool.run(PoolCall("spin")) { _ in }
      check(await pool.until { !strays.isEmpty && pool.busyCount == 2 }, "no tree")
      let pids = [pool.nurseryPID, pool.forkServerPID ?? 0] + pool.workers.map(\.pid)
      print("TREE \(pids.map { "\($0)" }.joined(separator: " ")) \(strays)")
      fflush(nil)
      _ = await pool.until(.seconds(100)) { false }
    },
    "storm": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      check(await pool.until { pool.idleCount == 2 }, "no workers")
      var ended = 0
      var crashed = 0
      var kills = 0
      let names = ["nothing", "burn", "nap", "trap", "fail", "progress", "spin_politely"]
      var started: UInt64 = 0
      for number in 0..<500 {
        let name = number % 50 == 0 ? "trap" : names[number % 3]
        try pool.run(
          PoolCall(name, timeout: .seconds(20)), events: CallEvents(onStarted: { _ in started += 1 }),
          completion: { end in
            ended += 1
            if case .crashed = end.outcome { crashed += 1 }
            if ended % 7 == 0, let victim = pool.workers.randomElement() {
              kills += 1
              kill(victim.pid, SIGKILL)
            }
          })
      }
      check(await pool.until(.seconds(60)) { ended == 500 }, "only \(ended) of 500 ended")
      check(crashed >= 10, "no kill landed")
      check(started >= 500, "\(started) started")
      check(kills > 50 && pool.restarts > 40, "\(kills) kills, \(pool.restarts) restarts")
    },
    "ahead": Scenario { handle, check in
      // Many calls, most of them sent ahead, under kills: a death costs the call that ran, and every other runs once.
      let pool = WorkerPool.started(2, handle, PoolLimits(mostWaiting: 10_000))
      check(await pool.until { pool.idleCount == 2 }, "no workers")
      var returned = 0
      var crashed = 0
      var others = 0
      var kills = 0
      let count = 5000
      for number in 0..<count {
        let text = Array("\(number)".utf8)
        try pool.run(PoolCall("echo", argument: .bytes(text), mayBeSentAhead: true, measuresUsage: false)) { end in
          switch end.outcome {
          case .returned(.bytes(text), _): returned += 1
          case .crashed: crashed += 1
          default: others += 1
          }
          if returned % 100 == 0, let victim = pool.workers.randomElement() {
            kills += 1
            kill(victim.pid, SIGKILL)
          }
        }
      }
      check(await pool.until(.seconds(60)) { returned + crashed + others == count }, "\(returned) of \(count) returned")
      check(others == 0, "\(others) calls ended otherwise")
      check(kills >= 40 && crashed <= kills, "\(crashed) calls crashed of \(kills) kills")
    },
    "ahead_cancel": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      check(await pool.until { pool.idleCount == 1 }, "no worker")
      var ends: [String] = []
      @LoopActor func begin(_ name: String, timeout: Duration? = nil) throws -> CallHandle {
        try pool.run(PoolCall(name, timeout: timeout, mayBeSentAhead: true)) { end in
          switch end.outcome {
          case .returned: ends.append("returned")
          case .cancelled: ends.append("cancelled")
          case .timedOut: ends.append("timed out")
          default: ends.append("\(end.outcome)")
          }
        }
      }
      _ = try begin("spin", timeout: .milliseconds(200))
      let second = try begin("nothing")
      _ = try begin("nothing")
      // The turn of the loop after which they are sent ahead.
      check(await pool.until { pool.waitingCount == 0 }, "nothing was sent ahead")
      pool.cancel(second)
      check(ends == ["cancelled"], "\(ends)")
      check(await pool.until { ends.count == 3 }, "\(ends)")
      check(ends == ["cancelled", "timed out", "returned"], "\(ends)")
      check(pool.restarts == 1, "\(pool.restarts) restarts")
    },
    "ahead_of_a_long_call": Scenario { handle, check in
      // What waits behind a long call goes to the other worker as soon as that has nothing to do.
      let pool = WorkerPool.started(2, handle)
      check(await pool.until { pool.idleCount == 2 }, "no workers")
      var short = 0
      let long = try pool.run(PoolCall("spin", mayBeSentAhead: true)) { _ in }
      for _ in 0..<40 { try pool.run(PoolCall("nothing", mayBeSentAhead: true)) { _ in short += 1 } }
      check(await pool.until { short == 40 }, "\(short) short calls of 40 ended beside a long one")
      pool.cancel(long)
    },
    "spinning": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle, PoolLimits(spin: .microseconds(20)))
      for number in UInt8(0)..<200 {
        check(try await pool.run(PoolCall("echo", argument: .bytes([number]))).bytes == [number], "\(number) got lost")
      }
    },
    "descriptors": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      check(await pool.until { pool.idleCount == 2 }, "no workers")
      _ = try await pool.runKilled(PoolCall("spin"))
      check(await pool.until { pool.idleCount == 2 }, "no replacement")
      let before = openDescriptors()
      for _ in 0..<1000 { _ = try await pool.runKilled(PoolCall("spin", memoryLimitBytes: 1 << 30)) }
      check(await pool.until { pool.idleCount == 2 }, "no replacement")
      check(openDescriptors() == before, "\(before) descriptors before, \(openDescriptors()) after 1,000 kills")
      check(pool.restarts == 1001, "\(pool.restarts) restarts")
    },
  ]
}

/// Cancels a call as soon as its function runs.
@LoopActor
final class CancelAtProgress {
  var handle: CallHandle?
  private(set) var firedAt: UInt64 = 0

  func fire(_ pool: WorkerPool) {
    guard let handle else { return }
    self.handle = nil
    firedAt = MonotonicClock.now
    pool.cancel(handle)
  }
}

enum SwiftBacktrace {
  /// A toolchain is here: its libexec folder stands two levels above the runtime libraries.
  static var isInstalled: Bool {
    guard let path = getenv("PATH") else { return false }
    return String(cString: path).split(separator: ":").contains { folder in
      access("\(folder)/../libexec/swift/linux/swift-backtrace", X_OK) == 0
    }
  }
}
