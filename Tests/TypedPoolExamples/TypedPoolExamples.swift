// A program of many scenarios: `TypedPoolExamples NAME [process|thread|task]` runs one and leaves with 0 if everything it checked
// held. Tests start it, because they may not fork.

import Glibc
import Multiprocessing
import Synchronization

@main
enum Main {
  static func main() throws {
    if CommandLine.arguments.dropFirst().first == "script" { try Script.main() } else { TypedPoolExamples.main() }
  }
}

/// A synchronous program, as a script of Python's is.
enum Script {
  static func main() throws {
    try Launcher.start([Functions.square, Functions.nap])
    let pool = try ProcessPool(size: 2)
    print(try pool.apply(Functions.square, 5))
    let calls = try (1...3).map { try pool.submit(Functions.nap, $0) }
    print(try calls.map { try $0.blockingValue() })
    pool.join()
    do throws(CallError) {
      try pool.apply(Functions.square, 5)
    } catch {
      print(error)
    }
  }
}

struct TypedPoolExamples: MultiprocessingProgram {
  /// No scenario takes a tenth of it; the kernel ends one that hangs, and its processes with it.
  static let limitSeconds: UInt32 = 120

  static var functions: [any RegisteredFunction] { Functions.all }

  static func preload() throws {
    if CommandLine.arguments.contains("preload_fails") { throw Refusal(number: 7) }
    Functions.table.withLock { $0 = Array(1...100) }
  }

  static func run() async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard let name = arguments.first, let scenario = Scenario.all[name] else {
      print(
        "usage: TypedPoolExamples SCENARIO [process|thread|task]\n" + Scenario.all.keys.sorted().joined(separator: "\n")
      )
      exit(EX_USAGE)
    }
    alarm(limitSeconds)
    let check = Check()
    let kind = arguments.dropFirst().first.flatMap(PoolKind.init) ?? .process
    do {
      try await scenario.body(kind, check)
    } catch {
      check.fail("the scenario threw \(error)")
    }
    if check.failures > 0 { throw CallError.threw("\(check.failures) checks failed") }
  }
}

/// What moves work from one kind of pool to another.
enum PoolKind: String {
  case process, thread, task

  func pool(_ size: Int, mostWaiting: Int = 1024, limits: CallLimits = .none) throws -> any Pool {
    switch self {
    case .process: try ProcessPool(size: size, mostWaiting: mostWaiting, limits: limits)
    case .thread: ThreadPool(size: size, mostWaiting: mostWaiting, limits: limits)
    case .task: TaskPool(size: size, mostWaiting: mostWaiting, limits: limits)
    }
  }
}

struct Scenario: Sendable {
  let body: @Sendable (PoolKind, Check) async throws -> Void

  init(_ body: @escaping @Sendable (PoolKind, Check) async throws -> Void) { self.body = body }

  static let all = [exam, largeValues, processes, asynchrony].reduce(into: [String: Scenario]()) {
    $0.merge($1) { _, _ in preconditionFailure("two scenarios have one name") }
  }
}

/// Collects what did not hold.
final class Check: Sendable {
  private let count = Atomic<Int>(0)

  var failures: Int { count.load(ordering: .relaxed) }

  func callAsFunction(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fail(what()) }
  }

  func equal<Value: Equatable>(_ found: Value, _ expected: Value, _ what: String = "") {
    if found != expected { fail("\(what) \(found) is not \(expected)") }
  }

  func fail(_ what: String) {
    count.wrappingAdd(1, ordering: .relaxed)
    print("FAILED: \(what)")
  }

  /// The error that `body` throws.
  func error(_ what: String, _ body: () async throws(CallError) -> some Any) async -> CallError? {
    do throws(CallError) {
      let value = try await body()
      fail("\(what): nothing was thrown; it gave \(value)")
      return nil
    } catch {
      return error
    }
  }
}
