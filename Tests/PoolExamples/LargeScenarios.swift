import EventLoop
import Glibc
import Multiprocessing

extension Scenario {
  /// Payloads that are large enough to be written in one room after the other, and read in place.
  static let large: [String: Scenario] = [
    "views": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      var worker: Int32 = 0
      var most = (worker: 0, pool: 0)
      for number in UInt8(1)...60 {
        let bytes = [UInt8](repeating: number, count: 2 << 20)
        let seen = try await pool.run(PoolCall("look", argument: try Payload(sending: bytes)))
        check(seen.bytes == [number], "argument \(number) was seen as \(seen)")
        let end = try await pool.run(PoolCall("fill", header: [number, 2]))
        check(end.onlyByte == number, "result \(number) came as \(String(describing: end.onlyByte))")
        worker = end.workerPID ?? 0
        let mapped = (worker: roomMappings(of: worker), pool: roomMappings(of: getpid()))
        if number <= 10 { most = (max(most.worker, mapped.worker), max(most.pool, mapped.pool)) }
        let hasGrown = mapped.worker > most.worker || mapped.pool > most.pool
        check(!hasGrown, "after \(number) calls each way: \(mapped), in the first 10: \(most)")
      }
      // Who makes a room has it mapped, and so has its reader: else nothing is read in place, and this proves nothing.
      check(most.worker >= 2 && most.pool >= 2, "\(most)")
      let isEmpty = await pool.until { roomMappings(of: worker) == 0 && roomMappings(of: getpid()) == 0 }
      check(isEmpty, "left after idling: \(roomMappings(of: worker)), \(roomMappings(of: getpid()))")
      check(try await pool.run(PoolCall("fill", header: [9, 2])).onlyByte == 9, "nothing comes after idling")
    },
    "view_of_killed_worker": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      var end: FinishedCall?
      for number in UInt8(1)...3 {
        end = nil
        end = try await pool.run(PoolCall("fill", header: [number, 2]))
        check(end?.onlyByte == number, "result \(number)")
      }
      guard let end, let worker = end.workerPID, case .returned(let payload, _) = end.outcome else {
        return check.fail("no result")
      }
      let before = roomMappings(of: getpid())
      try payload.withBytes { bytes in
        let half = bytes.count / 2
        check(UnsafeRawBufferPointer(rebasing: bytes[..<half]).onlyByte == 3, "the first half")
        kill(worker, SIGKILL)
        // The scenario as a whole has a limit.
        while roomMappings(of: worker) > 0 { sched_yield() }
        check(UnsafeRawBufferPointer(rebasing: bytes[half...]).onlyByte == 3, "the second half, after the worker's end")
      }
      check(await pool.until { pool.restarts == 1 }, "\(pool.restarts) restarts")
      check(before > 0 && roomMappings(of: getpid()) >= before, "what a payload is in was unmapped under it")
      for number in UInt8(4)...6 {
        check(try await pool.run(PoolCall("fill", header: [number, 2])).onlyByte == number, "result \(number)")
      }
      check(end.onlyByte == 3, "the dead worker's result changed")
    },
    "kept_result": Scenario { handle, check in
      let pool = WorkerPool.started(2, handle)
      var kept: [(UInt8, FinishedCall)] = []
      for number in UInt8(1)...40 {
        let end = try await pool.run(PoolCall("fill", header: [number, number % 4 == 0 ? 3 : 2]))
        check(end.onlyByte == number, "result \(number)")
        if number % 5 == 0 { kept.append((number, end)) }
      }
      for (number, end) in kept {
        check(end.onlyByte == number, "result \(number) became \(String(describing: end.onlyByte))")
      }
      check(kept.count == 8, "\(kept.count) were kept")
      kept = []
      let isEmpty = await pool.until { roomMappings(of: getpid()) == 0 }
      check(isEmpty, "\(roomMappings(of: getpid())) mappings are left")
    },
    "in_place": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      var kept: [(UInt8, FinishedCall)] = []
      for number in UInt8(1)...40 {
        let argument = try Payload(byteCount: 2 << 20) { _ = $0.initializeMemory(as: UInt8.self, repeating: number) }
        let seen = try await pool.run(PoolCall("look", argument: argument))
        check(seen.bytes == [number], "argument \(number) was seen as \(seen)")
        let end = try await pool.run(PoolCall("fill_in_place", header: [number, 2]))
        check(end.onlyByte == number, "result \(number) came as \(String(describing: end.onlyByte))")
        if number % 9 == 0 { kept.append((number, end)) }
      }
      for (number, end) in kept { check(end.onlyByte == number, "result \(number) changed") }
      kept = []
      let isEmpty = await pool.until { roomMappings(of: getpid()) == 0 }
      check(isEmpty, "\(roomMappings(of: getpid())) mappings are left")
    },
    "uncounted_views": Scenario { handle, check in
      let pool = WorkerPool.started(1, handle)
      let before = try await pool.run(PoolCall("nothing")).usage.peakMemoryBytes
      let most = before + 24 << 20
      let bytes = [UInt8](repeating: 7, count: 48 << 20)
      var worker: Int32 = 0
      var peaks: [UInt64] = []
      // Again on a machine so busy that all was given back meanwhile: then there is nothing that could be counted.
      for _ in 0..<5 {
        for _ in 0..<4 {
          check(try await pool.run(PoolCall("look", argument: try Payload(sending: bytes))).bytes == [7], "look")
          check(try await pool.run(PoolCall("fill", header: [8, 48])).onlyByte == 8, "fill")
        }
        let nothing = try await pool.run(PoolCall("nothing"))
        worker = nothing.workerPID ?? 0
        // An argument that is looked at where others were takes nothing either.
        let look = try await pool.run(PoolCall("look", argument: try Payload(sending: bytes)))
        peaks = [nothing.usage.peakMemoryBytes, look.usage.peakMemoryBytes]
        if roomMappings(of: worker) >= 2, peaks.allSatisfy({ $0 < most }) { break }
      }
      check(roomMappings(of: worker) >= 2, "nothing is kept, so this proves nothing")
      check(peaks.allSatisfy { $0 < most }, "\(before) bytes before, then \(peaks)")
      let limited = try await pool.run(PoolCall("take_memory", header: [16], memoryLimitBytes: 40 << 20))
      check(limited.text != nil, "a call within its memory limit ended as \(limited)")
      check(try await pool.run(PoolCall("look", argument: try Payload(sending: bytes))).bytes == [7], "look")
      check(await pool.until { roomMappings(of: worker) == 0 }, "kept for ever")
      let after = try await pool.run(PoolCall("nothing")).usage
      check(after.peakMemoryBytes < most, "\(before) bytes before, after idling \(after)")
    },
  ]
}

extension FinishedCall {
  /// The byte that a large result is made of, looked at in place; `nil`: it is not all the same, or came otherwise.
  var onlyByte: UInt8? {
    guard case .returned(.file(let file, let count), _) = outcome else { return nil }
    let byte = try? Payload.file(file, byteCount: count).withBytes { $0.onlyByte }
    return byte.flatMap { $0 }
  }
}

extension UnsafeRawBufferPointer {
  /// The byte that all of it is; `nil`: it is not all the same. Quick in a debug build too, for those who may not idle.
  var onlyByte: UInt8? {
    guard let baseAddress, memcmp(baseAddress, baseAddress + 1, count - 1) == 0 else { return nil }
    return self[0]
  }
}

/// How many rooms a process has mapped, its own and others'.
func roomMappings(of pid: Int32) -> Int {
  guard let file = fopen("/proc/\(pid)/maps", "r") else { return 0 }
  defer { fclose(file) }
  var count = 0
  var line = [CChar](repeating: 0, count: 1024)
  while fgets(&line, Int32(line.count), file) != nil {
    if strstr(line, "memfd:millrace-room") != nil { count += 1 }
  }
  return count
}
