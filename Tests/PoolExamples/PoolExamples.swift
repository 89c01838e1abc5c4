// A program of many scenarios: `PoolExamples NAME` starts a fork server while it has one thread, as an acceptor does, runs the
// scenario on its event loop, and leaves with 0 if everything it checked held. Tests start it, because they may not fork.

import EventLoop
import Glibc
import Multiprocessing

@main
struct PoolExamples {
  /// No scenario takes a tenth of it; the kernel ends one that hangs, and its workers with it.
  static let limitSeconds: UInt32 = 120

  static func main() {
    // The same backtraces wherever the tests run; the runtime looks before `main`, so this program starts itself anew.
    if getenv(ForkServer.backtraceEnvironment.name) == nil {
      setenv(ForkServer.backtraceEnvironment.name, ForkServer.backtraceEnvironment.value, 1)
      execv("/proc/self/exe", CommandLine.unsafeArgv)
    }
    if CommandLine.arguments.dropFirst().first == "ping_pong_child" { PingPong.echo() }
    guard let name = CommandLine.arguments.dropFirst().first, let scenario = Scenario.all[name] else {
      print("usage: PoolExamples SCENARIO\n" + Scenario.all.keys.sorted().joined(separator: "\n"))
      exit(EX_USAGE)
    }
    alarm(limitSeconds)
    let handle: ForkServerHandle
    do {
      handle = try ForkServer.start(scenario.program)
    } catch {
      print("FAILED: \(error)")
      exit(EX_OSERR)
    }
    Task { @LoopActor in
      let check = Check()
      do {
        try await scenario.body(handle, check)
      } catch {
        check.fail("the scenario threw \(error)")
      }
      exit(check.failures == 0 ? 0 : 1)
    }
    EpollLoop.shared.run()
  }
}

/// Collects what did not hold.
@LoopActor
final class Check {
  private(set) var failures = 0

  func callAsFunction(_ holds: Bool, _ what: @autoclosure () -> String) {
    if !holds { fail(what()) }
  }

  func fail(_ what: String) {
    failures += 1
    print("FAILED: \(what)")
  }
}

struct Scenario: Sendable {
  var program = WorkerProgram(ExampleFunctions.all)
  let body: @LoopActor @Sendable (ForkServerHandle, Check) async throws -> Void

  init(
    program: WorkerProgram = WorkerProgram(ExampleFunctions.all),
    _ body: @escaping @LoopActor @Sendable (ForkServerHandle, Check) async throws -> Void
  ) {
    self.program = program
    self.body = body
  }

  static let all: [String: Scenario] = [plain, violent, large, measuring].reduce(into: [:]) {
    $0.merge($1) { first, _ in first }
  }
}

/// A wait for one of two things, the second of which does not matter any more.
@LoopActor
private final class FirstOfTwo {
  private var continuation: CheckedContinuation<Bool, Never>?
  init(_ continuation: CheckedContinuation<Bool, Never>) { self.continuation = continuation }

  func end(_ value: Bool) {
    continuation?.resume(returning: value)
    continuation = nil
  }
}

extension WorkerPool {
  /// A started pool.
  static func started(_ size: Int, _ handle: ForkServerHandle, _ limits: PoolLimits = PoolLimits()) -> WorkerPool {
    let pool = WorkerPool(size: size, forkServer: handle, limits: limits)
    pool.start()
    return pool
  }

  /// Waits until `holds`, looking after each turn of the loop; gives up after `limit`.
  func until(_ limit: Duration = .seconds(20), _ holds: @LoopActor () -> Bool) async -> Bool {
    let end = MonotonicClock.now + limit.nanosecondsClamped
    while !holds() {
      if MonotonicClock.now > end { return false }
      await withCheckedContinuation { continuation in
        EpollLoop.shared.schedule(after: .milliseconds(1)) { continuation.resume() }
      }
    }
    return true
  }

  /// Starts a call, and waits for its end on a loop that nothing else wakes; false: it slept on for 5 s.
  func wakesUp(_ start: @LoopActor (@escaping Completion) throws -> Void) async -> Bool {
    await withCheckedContinuation { continuation in
      let wait = FirstOfTwo(continuation)
      let alarm = EpollLoop.shared.schedule(after: .seconds(5)) { wait.end(false) }
      do {
        try start { _ in
          EpollLoop.shared.cancel(alarm)
          wait.end(true)
        }
      } catch {
        wait.end(false)
      }
    }
  }

  /// Runs a call, killing its worker as soon as it has sent its first progress: the function runs by then.
  func runKilled(_ call: PoolCall, with signal: Int32 = SIGKILL) async throws(PoolRefusal) -> FinishedCall {
    let victim = Victim()
    return try await run(
      call,
      events: CallEvents(
        onStarted: { victim.pid = $0 },
        onProgress: { _ in
          if let pid = victim.pid { kill(pid, signal) }
          victim.pid = nil
        }))
  }

  @LoopActor
  private final class Victim { var pid: Int32? }
}

/// Descriptors this process has open.
func openDescriptors() -> Int {
  guard let folder = opendir("/proc/self/fd") else { return -1 }
  defer { closedir(folder) }
  var count = 0
  while readdir(folder) != nil { count += 1 }
  return count
}
