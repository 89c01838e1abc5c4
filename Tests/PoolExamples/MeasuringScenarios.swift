import CLinux
import EventLoop
import Glibc
import Multiprocessing

extension Scenario {
  /// What the design asks for in numbers; printed, and meaningful in release builds only.
  static let measuring: [String: Scenario] = [
    "measure": Scenario { handle, check in
      let bare = try PingPong.start()
      let pool = WorkerPool.started(1, handle)
      check(await pool.until { pool.idleCount == 1 }, "no worker")
      var ratios: [Double] = []
      var rawTimes: [Double] = []
      var callTimes: [Double] = []
      // Close together and often, because other processes share the machine.
      for _ in 0..<40 {
        let raw = bare.median(rounds: 300)
        let call = try await Scenario.callMedian(pool, rounds: 300)
        ratios.append(call / raw)
        rawTimes.append(raw / 1000)
        callTimes.append(call / 1000)
      }
      print("socket pair \(rawTimes.sorted()[20]) us, no-op call \(callTimes.sorted()[20]) us")
      print("RATIO \(ratios.sorted()[20])")
      print("WORKER PSS KB \(pool.workers.map { Scenario.pss($0.pid) })")
      print("FORK SERVER PSS KB \(Scenario.pss(pool.forkServerPID ?? 0)), NURSERY \(Scenario.pss(pool.nurseryPID))")
      var times: [Double] = []
      for _ in 0..<200 {
        if let milliseconds = try await Scenario.killToNext(pool) { times.append(milliseconds) }
      }
      times.sort()
      if !times.isEmpty { print("KILL TO NEXT JOB RUNNING: median \(times[times.count / 2]) ms of \(times.count)") }
    },
    "round_trips": Scenario { handle, check in
      // For a profiler: nothing but calls.
      let pool = WorkerPool.started(1, handle)
      check(await pool.until { pool.idleCount == 1 }, "no worker")
      print("no-op call \(try await Scenario.callMedian(pool, rounds: 200_000) / 1000) us")
    },
  ]

  /// Median of one call at a time, by callbacks, nanoseconds.
  @LoopActor
  static func callMedian(_ pool: WorkerPool, rounds: Int) async throws -> Double {
    var times: [UInt64] = []
    times.reserveCapacity(rounds)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      @LoopActor func next() {
        if times.count == rounds { return continuation.resume() }
        let begin = MonotonicClock.now
        do {
          try pool.run(PoolCall("nothing")) { _ in
            times.append(MonotonicClock.now - begin)
            next()
          }
        } catch {
          fatalError("\(error)")
        }
      }
      next()
    }
    times.sort()
    return Double(times[rounds / 2])
  }

  /// Kills a worker under its call while another call waits; milliseconds until that one runs on the replacement.
  @LoopActor
  static func killToNext(_ pool: WorkerPool) async throws -> Double? {
    var victim: Int32 = 0
    var killedAt: UInt64 = 0
    var resumedAt: UInt64 = 0
    try pool.run(
      PoolCall("spin"),
      events: CallEvents(
        onStarted: { victim = $0 },
        onProgress: { _ in
          killedAt = MonotonicClock.now
          kill(victim, SIGKILL)
        }), completion: { _ in })
    _ = try await pool.run(
      PoolCall("progress"),
      events: CallEvents(onProgress: { _ in if resumedAt == 0 { resumedAt = MonotonicClock.now } }))
    return killedAt > 0 && resumedAt > killedAt ? Double(resumedAt - killedAt) / 1e6 : nil
  }

  static func pss(_ pid: Int32) -> Int {
    guard let file = fopen("/proc/\(pid)/smaps_rollup", "r") else { return -1 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if text.hasPrefix("Pss:") { return Int(text.split(separator: " ")[1]) ?? -1 }
    }
    return -1
  }
}

/// A bare socket pair with a child that sends back what it gets: the least a round trip can cost.
struct PingPong {
  let descriptor: Int32

  /// Starts `PoolExamples ping_pong_child` at the other end: this process has threads by now, and may not fork.
  static func start() throws -> PingPong {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0 else {
      throw ExampleFunctions.SomethingElse()
    }
    linux_set_close_on_exec(ends[0], 1)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 3)
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("PoolExamples"), strdup("ping_pong_child"), nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, "/proc/self/exe", &actions, nil, &arguments, environ)
    close(ends[1])
    guard code == 0 else { throw ExampleFunctions.SomethingElse() }
    return PingPong(descriptor: ends[0])
  }

  /// The child's life: ends at end-of-file.
  static func echo() -> Never {
    var buffer = [UInt8](repeating: 0, count: 256)
    while true {
      let count = recv(3, &buffer, buffer.count, 0)
      if count <= 0 { _exit(0) }
      send(3, buffer, count, 0)
    }
  }

  func median(rounds: Int) -> Double {
    var buffer = [UInt8](repeating: 0, count: 64)
    var times: [UInt64] = []
    for _ in 0..<rounds {
      let begin = MonotonicClock.now
      send(descriptor, buffer, 48, 0)
      recv(descriptor, &buffer, buffer.count, 0)
      times.append(MonotonicClock.now - begin)
    }
    times.sort()
    return Double(times[rounds / 2])
  }
}
