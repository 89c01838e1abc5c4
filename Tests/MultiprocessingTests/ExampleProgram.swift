import CLinux
import Foundation

/// Runs the scenarios of the example programs, which fork; a test runner has threads and must not.
enum ExampleProgram {
  struct Result {
    var status: Int32
    var output: String
  }

  /// The built program, beside the test bundle.
  static func url(_ program: String = "PoolExamples") -> URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent(program)
  }

  /// Runs one scenario to its end; the program limits its own time.
  static func run(
    _ scenario: String, of program: String = "PoolExamples", arguments: [String] = [], backtracing: Bool = true
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      // A thread of its own: reading to the end blocks.
      Thread.detachNewThread {
        continuation.resume(with: Swift.Result { try runBlocking(program, [scenario] + arguments, backtracing) })
      }
    }
  }

  private static func runBlocking(_ program: String, _ arguments: [String], _ backtracing: Bool) throws -> Result {
    let process = Process()
    process.executableURL = url(program)
    process.arguments = arguments
    if !backtracing {
      process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    }
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Result(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self))
  }

  /// Starts the tree scenario, kills its root, and gives the processes below it that were still there `limit` later.
  static func killTreeRoot(
    of program: String = "PoolExamples", within limit: Duration
  ) async throws -> (below: [Int32], left: [Int32]) {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Swift.Result { try killTreeRootBlocking(program, within: limit) })
      }
    }
  }

  private static func killTreeRootBlocking(_ program: String, within limit: Duration) throws -> (
    below: [Int32], left: [Int32]
  ) {
    let process = Process()
    process.executableURL = url(program)
    process.arguments = ["tree"]
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    var text = ""
    while !text.contains("\n") {
      let more = pipe.fileHandleForReading.availableData
      if more.isEmpty { break }
      text += String(decoding: more, as: UTF8.self)
    }
    let below = text.split(whereSeparator: \.isWhitespace).dropFirst().compactMap { Int32($0) }
    // Taken while they live: a descriptor means that process and no later one of its number.
    let pidfds = below.map { linux_pidfd_open($0) }
    defer { for pidfd in pidfds where pidfd >= 0 { close(pidfd) } }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    let end = ContinuousClock.now + limit
    var left: [Int32] = []
    for (pid, pidfd) in zip(below, pidfds) where pidfd >= 0 {
      var watched = pollfd(fd: pidfd, events: Int16(POLLIN), revents: 0)
      let wait = max(0, (end - .now) / .milliseconds(1))
      if poll(&watched, 1, Int32(wait)) != 1 { left.append(pid) }
    }
    return (below, left)
  }
}
