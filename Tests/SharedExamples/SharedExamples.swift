// A program of many scenarios: `SharedExamples NAME` runs one in several processes and leaves with 0 if everything it checked
// held. Tests start it, because they may not fork.

import Glibc
import Multiprocessing
import Synchronization

@main
struct SharedExamples: MultiprocessingProgram {
  /// No scenario takes a tenth of it; the kernel ends one that hangs, and its processes with it.
  static let limitSeconds: UInt32 = 120

  static var functions: [any RegisteredFunction] {
    LockFunctions.all + ChildFunctions.all + PipeFunctions.all + QueueFunctions.all + DictionaryFunctions.all
  }

  static func run() async throws {
    guard let name = CommandLine.arguments.dropFirst().first, let scenario = Scenario.all[name] else {
      print("usage: SharedExamples SCENARIO\n" + Scenario.all.keys.sorted().joined(separator: "\n"))
      exit(EX_USAGE)
    }
    alarm(limitSeconds)
    let check = Check()
    try await Leaks.warmUp()
    let before = Leaks.openDescriptors().count
    do {
      try await scenario.body(check)
    } catch {
      check.fail("the scenario threw \(error)")
    }
    try await Leaks.look(check, descriptorsBefore: before)
    exit(check.failures == 0 ? 0 : 1)
  }
}

/// Collects what did not hold.
final class Check: Sendable {
  private let count = Atomic<Int>(0)

  var failures: Int { count.load(ordering: .relaxed) }

  func callAsFunction(_ holds: Bool, _ what: @autoclosure () throws -> String) rethrows {
    if !holds { fail(try what()) }
  }

  func fail(_ what: String) {
    count.wrappingAdd(1, ordering: .relaxed)
    print("FAILED: \(what)")
  }

  /// That `body` throws, and what it throws says `words`.
  func refuses(_ words: String, _ body: () throws -> Void) {
    do {
      try body()
      fail("nothing was thrown that says \"\(words)\"")
    } catch {
      self("\(error)".contains(words), "\"\(error)\" does not say \"\(words)\"")
    }
  }
}

struct Scenario: Sendable {
  let body: @Sendable (Check) async throws -> Void

  /// One that waits without blocking.
  init(async body: @escaping @Sendable (Check) async throws -> Void) { self.body = body }

  /// One that blocks its thread: there is another for the tasks of the program.
  init(_ body: @escaping @Sendable (Check) throws -> Void) { self.body = body }

  static let all: [String: Scenario] = [locks, children, pipes, queues, killings, dictionaries, benchmarks].reduce(
    into: [:]) {
      $0.merge($1) { _, _ in preconditionFailure("two scenarios have one name") }
    }
}
