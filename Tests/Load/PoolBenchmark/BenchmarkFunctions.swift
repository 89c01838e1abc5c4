import Glibc
import Multiprocessing

/// What the benchmark's workers run.
enum BenchmarkFunctions {
  static let all: [any RegisteredFunction] = [nothing, successor, burn, noop, swallow, produce, spin, pulse]

  // MARK: - Typed

  static let nothing = RemoteFunction("nothing") { (number: Int) in number }
  static let successor = RemoteFunction("successor") { (number: Int) in number + 1 }

  /// Some 20 ms of work, all of it on one core.
  static let burn = RemoteFunction("burn") { (seed: UInt64) in
    var state = seed | 1
    for _ in 0..<10_000_000 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
    }
    return state
  }

  // MARK: - Of bytes

  static let noop = WorkerFunction("noop") { _ in WorkerReturn([]) }

  /// Looks at each page of its argument.
  static let swallow = WorkerFunction("swallow") { call in
    let sum = try call.argument.withBytes { bytes in
      stride(from: 0, to: bytes.count, by: 4096).reduce(0) { $0 &+ Int(bytes[$1]) }
    }
    return WorkerReturn(Array("\(sum)".utf8))
  }

  /// Gives as many bytes as it is told, which it has ready.
  static let produce = WorkerFunction("produce") { call in
    WorkerReturn(.bytes(ready(String(decoding: call.header, as: UTF8.self))))
  }

  nonisolated(unsafe) private static var prepared: [UInt8] = []  // a worker runs one call at a time

  private static func ready(_ count: String) -> [UInt8] {
    let count = Int(count) ?? 0
    if prepared.count != count { prepared = [UInt8](repeating: 7, count: count) }
    return prepared
  }

  /// Runs until it is killed, and says when it began.
  static let spin = WorkerFunction("spin") { call in
    call.report(progress: [1])
    while getpid() > 0 {}
    return WorkerReturn([])
  }

  /// Says when it began.
  static let pulse = WorkerFunction("pulse") { call in
    call.report(progress: [1])
    return WorkerReturn([])
  }
}
