import CLinux
import EventLoop
import Glibc
import Multiprocessing

extension FinishedCall {
  var bytes: [UInt8]? {
    guard case .returned(let payload, _) = outcome else { return nil }
    return try? payload.readAll()
  }
  var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
}

extension Scenario {
  /// Calls that end well, or by throwing.
  static let plain: [String: Scenario] = [
    "round_trip": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      let end = try await pool.run(PoolCall("echo", header: [7, 8], argument: .bytes(Array("hello".utf8))))
      check(end.text == "hello", "\(end)")
      if case .returned(_, let meta) = end.outcome { check(meta == [7, 8], "meta \(meta)") }
      check(end.workerPID != getpid() && end.workerPID != nil, "ran in \(String(describing: end.workerPID))")
      check(end.usage.peakMemoryBytes > 100_000, "\(end.usage)")
    },
    "private_descriptors": Scenario { handle, check in
      let pool = WorkerPool.started(3, handle)
      check(await pool.until { pool.idleCount == 3 }, "no workers")
      for _ in 0..<3 {
        // Standard input, output and error, its socket, the pool's bell, its eventfd, clear_refs; and ".", ".." and the
        // folder itself.
        let end = try await pool.run(PoolCall("descriptors"))
        check(end.text == "10", "a worker holds \(end.text ?? "?") descriptors")
      }
    },
    "throwing": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      let chosen = try await pool.run(PoolCall("fail"))
      if case .threw(let bytes) = chosen.outcome {
        check(bytes == Array("as chosen".utf8), "\(bytes)")
      } else {
        check.fail("\(chosen)")
      }
      let other = try await pool.run(PoolCall("fail_otherwise"))
      if case .threw(let bytes) = other.outcome {
        check(bytes == Array("something else".utf8), "\(bytes)")
      } else {
        check.fail("\(other)")
      }
      check(pool.restarts == 0, "an error cost a worker")
    },
    "refusals": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle, PoolLimits(mostWaiting: 0))
      check(refusal(pool, PoolCall("nothing")) == .full, "taken before any worker was there")
      check(await pool.until { pool.idleCount == 1 }, "no worker came")
      check(refusal(pool, PoolCall("no_such")) == .unknownFunction("no_such"), "unknown function taken")
      check(refusal(pool, PoolCall("spin")) == nil, "refused though idle")
      check(refusal(pool, PoolCall("nothing")) == .full, "taken though busy")
      pool.terminate()
      check(refusal(pool, PoolCall("nothing")) == .closed, "taken though terminated")
    },
    "async": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      check(try await pool.run(PoolCall("nap")).text == "rested", "Task.sleep")
      check(try await pool.run(PoolCall("child_tasks")).text == "5050", "child tasks")
    },
    "output": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      var stray = 0
      pool.onStrayOutput = { stray += $1.count }
      for name in ["one", "two"] {
        var seen: [UInt8] = []
        _ = try await pool.run(
          PoolCall("print", header: Array(name.utf8)), events: CallEvents(onOutput: { seen.append(contentsOf: $0) }))
        check(
          String(decoding: seen, as: UTF8.self) == "printed: \(name)\nlogged\nunfinished line",
          String(decoding: seen, as: UTF8.self))
      }
      var lines = 0
      _ = try await pool.run(
        PoolCall("print_much"), events: CallEvents(onOutput: { lines += $0.count { $0 == UInt8(ascii: "\n") } }))
      check(lines == 20_000, "\(lines) lines came")
      check(stray == 0, "\(stray) bytes belonged to no call")
    },
    "progress": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      var reports: [UInt8] = []
      _ = try await pool.run(PoolCall("progress"), events: CallEvents(onProgress: { reports += $0 }))
      check(reports.first == 0 && reports.last == 200 && reports.count < 20, "\(reports)")
    },
    "answers_of_all_lengths": Scenario { handle, check in
      // Some go through the ring, some through the socket, some in files; many are on their way at once.
      let pool = WorkerPool.started(2, handle)
      let lengths = [0, 1, 60, 1900, 2000, 2048, 2100, 5000, 40_000, 3 << 20]
      var reported: [Int: Int] = [:]
      var ended: [Int] = []
      let count = 400
      await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
        for number in 0..<count {
          let length = lengths[number % 7 == 0 ? number / 7 % lengths.count : number % 4]
          let header = Array("\(length)".utf8)
          let events = CallEvents(onProgress: { bytes in
            check(bytes == header, "call \(number) got the report of another")
            reported[number, default: 0] += 1
          })
          do {
            try pool.run(PoolCall("answer_at_length", header: header, mayBeSentAhead: true), events: events) { end in
              let wanted = [UInt8](repeating: UInt8(truncatingIfNeeded: length), count: length)
              check(end.bytes == wanted, "call \(number) of \(length) bytes ended as \(end.outcome)")
              check(reported[number] == 1, "call \(number) ended before its report came")
              ended.append(number)
              if ended.count == count { done.resume() }
            }
          } catch {
            check.fail("\(error)")
          }
        }
      }
      check(Set(ended).count == count, "a call ended twice")
      check(pool.restarts == 0, "a worker was lost")
    },
    "large_payloads": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      var big = [UInt8](repeating: 5, count: 64 << 20)
      big[0] = 1
      let end = try await pool.run(PoolCall("reverse", argument: .bytes(big)))
      check(end.bytes == big.reversed(), "64 MB changed on their way")
      if case .returned(.file(let file, let count), _) = end.outcome {
        check(count == 64 << 20, "\(count)")
        check(write(file.descriptor, big, 1) < 0, "a result can be changed after it was sent")
      } else {
        check.fail("a large result came inline")
      }
      let back = try await pool.run(PoolCall("echo", argument: .bytes(big)))
      check(back.bytes == big, "a file handed back changed")
      let longest = [UInt8](repeating: 1, count: PoolCall.longestHeader)
      check(refusal(pool, PoolCall("echo", header: longest)) == nil, "the longest header was refused")
      check(await pool.until { pool.idleCount == 1 }, "the longest header did not come back")
    },
    "rooms": Scenario { handle, check in
      // What was sent stays what it was, while others are sent in the same memory: handed back, kept, and read later.
      let pool = WorkerPool.started(2, handle)
      var ends: [(UInt8, FinishedCall)] = []
      for number in UInt8(0)..<60 {
        let function = number % 3 == 0 ? "echo" : "reverse"
        let argument = try Payload(sending: [UInt8](repeating: number, count: 2 << 20))
        let end = try await pool.run(PoolCall(function, argument: argument))
        if case .returned(.file(let file, _), _) = end.outcome, lseek(file.descriptor, 0, SEEK_END) != 2 << 20 {
          check.fail("a file longer than its payload")
        }
        if number % 7 == 0, let victim = pool.workers.randomElement() { kill(victim.pid, SIGKILL) }
        ends.append((number, end))
        if number % 2 == 0 { ends.removeFirst() }
      }
      for (number, end) in ends {
        check(end.bytes == [UInt8](repeating: number, count: 2 << 20), "payload \(number) changed after it came")
      }
      check(ends.count == 30, "\(ends.count) are left")
    },
    "usage": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      let large = try await pool.run(PoolCall("take_memory", header: [100]))
      let small = try await pool.run(PoolCall("take_memory", header: [1]))
      check(large.usage.peakMemoryBytes > 100 << 20, "\(large.usage)")
      check(small.usage.peakMemoryBytes < 60 << 20, "the peak of an earlier call was counted: \(small.usage)")
      let burnt = try await pool.run(PoolCall("burn"))
      check(burnt.usage.cpu >= .milliseconds(45) && burnt.usage.cpu < .milliseconds(200), "\(burnt.usage)")
      check(burnt.usage.wall >= burnt.usage.cpu, "\(burnt.usage)")
      let nothing = try await pool.run(PoolCall("nothing"))
      check(nothing.usage.cpu < .milliseconds(20), "an earlier call's time was counted: \(nothing.usage)")
      let children = try await pool.run(PoolCall("children_time"))
      check(children.usage.cpu > .milliseconds(5), "children's time was not counted: \(children.usage)")
    },
    "max_calls": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle, PoolLimits(maxCallsPerWorker: 2))
      var pids: [String] = []
      for _ in 0..<6 { pids.append(try await pool.run(PoolCall("pid")).text ?? "none") }
      check(Set(pids).count == 3, "\(pids)")
      check(pids[0] == pids[1] && pids[1] != pids[2], "\(pids)")
      check(pool.restarts == 0, "\(pool.restarts) restarts counted")
    },
    "drain": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      var ended = 0
      for _ in 0..<10 { try pool.run(PoolCall("nap")) { _ in ended += 1 } }
      await pool.drain()
      check(ended == 10, "\(ended) calls had ended")
      check(refusal(pool, PoolCall("nothing")) == .closed, "taken though drained")
      await pool.terminateAndWait()
      check(kill(pool.nurseryPID, 0) != 0, "the nursery is left")
    },
    "listing": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      let call = try pool.run(PoolCall("spin", tag: [9, 9])) { _ in }
      check(await pool.until { pool.workers.count == 2 && pool.busyCount == 1 }, "\(pool.workers)")
      let busy = pool.workers.filter { $0.state == .busy }
      check(busy.count == 1 && busy[0].tag == [9, 9] && busy[0].pid > 1, "\(pool.workers)")
      pool.cancel(call)
      check(pool.workers.contains { $0.state == .ending }, "\(pool.workers)")
    },
    "preload": Scenario(
      program: WorkerProgram(
        [WorkerFunction("table") { _ in WorkerReturn(Array("\(Preloaded.table.withLock { $0.count })".utf8)) }],
        preload: { Preloaded.table.withLock { $0 = [UInt8](repeating: 3, count: 50 << 20) } })
    ) { handle, check in
      let pool = WorkerPool.started(1, handle)
      // What all share is not the call's: a limit below it does not hit.
      let end = try await pool.run(PoolCall("table", memoryLimitBytes: 8 << 20))
      check(end.text == "\(50 << 20)", "\(end)")
    },
    "preload_threads": Scenario(
      program: WorkerProgram(
        [],
        preload: {
          var thread = pthread_t()
          let sleeper: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
            sleep(100)
            return nil
          }
          pthread_create(&thread, nil, sleeper, nil)
        })
    ) { handle, check in
      let pool = WorkerPool(size: 1, forkServer: handle)
      var reasons: [String] = []
      pool.onForkServerTrouble = { if case .unfit(let reason) = $0 { reasons.append(reason) } }
      pool.start()
      check(await pool.until { reasons.count > 1 }, "nobody complained twice")
      check(reasons.first?.contains("2 threads") == true, "\(reasons)")
    },
  ]

  @LoopActor
  static func refusal(_ pool: WorkerPool, _ call: PoolCall) -> PoolRefusal? {
    do throws(PoolRefusal) {
      try pool.run(call) { _ in }
      return nil
    } catch {
      return error
    }
  }
}
