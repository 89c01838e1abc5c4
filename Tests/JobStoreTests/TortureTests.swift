import Foundation
import JobModel
import JobStore
import Testing

/// Processes of their own: one that is killed, and several that take turns.
@Suite("Store torture")
struct TortureTests {
  /// Beside the test's own binary.
  private static let helper = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appendingPathComponent("StoreTorture")

  private func start(_ arguments: [String], output: Pipe) throws -> Process {
    let process = Process()
    process.executableURL = Self.helper
    process.arguments = arguments
    process.standardOutput = output
    // One that crashes shall end at once: Swift's crash handler was seen to hang when several crash together.
    process.environment = ["SWIFT_BACKTRACE": "enable=no"]
    try process.run()
    return process
  }

  @Test("every job that was acknowledged is there after the writer was killed", .timeLimit(.minutes(1)))
  func killed() async throws {
    let place = try SQLitePlace()
    defer { place.remove() }
    let pipe = Pipe()
    let process = try start(["acknowledge", place.path], output: pipe)
    var output = Data()
    // 37 bytes a line: the kill lands in the midst of writing, some hundred acknowledgements later.
    while output.count < 37 * 300 {
      let piece = pipe.fileHandleForReading.availableData
      if piece.isEmpty { break }
      output += piece
    }
    #expect(process.isRunning)
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    #expect(process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL)
    output += try pipe.fileHandleForReading.readToEnd() ?? Data()
    let acknowledged = String(decoding: output, as: UTF8.self).split(separator: "\n").compactMap { JobID($0) }
    #expect(acknowledged.count >= 300)
    let store = try place.open()
    for id in acknowledged { #expect(try await store.job(id) != nil) }
    // The dead process's locks are gone with it.
    try await store.submit(TestJobs(store).queued())
    await store.close()
  }

  @Test("processes that write all the time get turns alike", .timeLimit(.minutes(1)), arguments: [2, 4])
  func fairness(_ count: Int) async throws {
    let place = try SQLitePlace()
    defer { place.remove() }
    let pipes = (0..<count).map { _ in Pipe() }
    let processes = try pipes.map { try start(["pairs", place.path, "16", "3"], output: $0) }
    for process in processes {
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
    let done = try pipes.map { pipe in
      let words = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self).split(
        separator: " ")
      return try #require(words.count > 3 ? Int(words[3]) : nil)
    }
    let (least, most) = (try #require(done.min()), try #require(done.max()))
    // They start a moment apart and share few cores; unfair locks gave one process ten times another's share and more.
    #expect(Double(most) <= 3 * Double(least), "\(done)")
  }
}
