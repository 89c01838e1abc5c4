// Starts the toy server as a process of its own, and waits for what it says, with a limit.

import CLinux
import Glibc

/// One line that the toy said: `what key=value …`.
struct ToyLine: CustomStringConvertible {
  let what: String
  let values: [String: String]
  let description: String

  init(_ text: String) {
    description = text
    let words = text.split(separator: " ")
    what = words.first.map(String.init) ?? ""
    var values: [String: String] = [:]
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
    }
    self.values = values
  }

  func matches(_ what: String, _ wanted: [String: String]) -> Bool {
    self.what == what && wanted.allSatisfy { values[$0.key]?.contains($0.value) ?? false }
  }

  var pid: pid_t { values["pid"].flatMap { pid_t($0) } ?? 0 }
}

enum ToyError: Error, CustomStringConvertible {
  case notSaid(what: String, wanted: [String: String], heard: [String])
  case stillRuns(String)
  case notStarted(Int32)

  var description: String {
    switch self {
    case .notSaid(let what, let wanted, let heard):
      "not said in time: \(what) \(wanted); heard:\n" + heard.joined(separator: "\n")
    case .stillRuns(let which): "still runs: \(which)"
    case .notStarted(let code): "cannot start the toy: \(String(cString: strerror(code)))"
    }
  }
}

final class ToyServer {
  let pid: pid_t
  private let output: Int32
  private var partial: [UInt8] = []
  private var waiting: [ToyLine] = []
  private var all: [String] = []
  private var outputEnded = false
  private var reaped = false

  /// Long, because the machine may be busy; nothing waits this long where all is well.
  static let limitMilliseconds: Int64 = 30_000

  init(_ arguments: String...) throws {
    var ends: [Int32] = [0, 0]
    // Not a pipe: Swift does not see pipe2(2), and what another test spawns at this moment must not inherit an end.
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw ToyError.notStarted(errno) }
    defer { close(ends[1]) }
    output = ends[0]
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    let path = Self.folder + "/PreforkToy"
    var argv = ([path] + arguments).map { strdup($0) } + [nil]
    defer { for argument in argv { free(argument) } }
    var pid: pid_t = 0
    let result = posix_spawn(&pid, path, &actions, nil, &argv, environ)
    guard result == 0 else { throw ToyError.notStarted(result) }
    self.pid = pid
  }

  deinit {
    // A test that failed half way: the kernel ends the acceptors with their master.
    if !reaped {
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
    close(output)
  }

  /// Where SwiftPM puts the executables: beside the test runner.
  private static var folder: String {
    var bytes = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &bytes, bytes.count)
    let path = String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
  }

  func signal(_ number: Int32) { kill(pid, number) }

  /// Waits for a line with these words and values (a value matches if it contains the text), and takes it away.
  @discardableResult
  func heard(_ what: String, _ wanted: [String: String] = [:]) throws -> ToyLine {
    let deadline = Self.milliseconds + Self.limitMilliseconds
    while true {
      if let index = waiting.firstIndex(where: { $0.matches(what, wanted) }) { return waiting.remove(at: index) }
      guard !outputEnded, readSome(until: deadline) else {
        throw ToyError.notSaid(what: what, wanted: wanted, heard: all)
      }
    }
  }

  func heardLog(_ message: String, _ wanted: [String: String] = [:]) throws {
    try heard("log", wanted.merging(["message": message.replacing(" ", with: "_")]) { $1 })
  }

  /// Lines of this kind that were said and not yet taken, as of now.
  func said(_ what: String, _ wanted: [String: String] = [:]) -> [ToyLine] {
    waiting.filter { $0.matches(what, wanted) }
  }

  /// Waits until every process that has the toy's standard output is gone, which proves that none is left, and gives
  /// the master's exit status (or 128 and the signal that ended it).
  func ended() throws -> Int32 {
    let deadline = Self.milliseconds + Self.limitMilliseconds
    while !outputEnded {
      guard readSome(until: deadline) else { throw ToyError.stillRuns(all.joined(separator: "\n")) }
    }
    // Its output is closed, so it is ending: this waits no longer than the kernel needs.
    var status: Int32 = 0
    guard waitpid(pid, &status, 0) == pid else { throw ToyError.stillRuns("master") }
    reaped = true
    return linux_status_signaled(status) != 0 ? 128 + linux_status_signal(status) : linux_status_exit_code(status)
  }

  /// False when the deadline has passed.
  private func readSome(until deadline: Int64) -> Bool {
    var watched = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
    let left = deadline - Self.milliseconds
    guard left > 0, poll(&watched, 1, Int32(clamping: left)) > 0 else { return Self.milliseconds < deadline }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(output, &bytes, bytes.count)
    if count <= 0 { outputEnded = true }
    partial += bytes.prefix(max(0, count))
    while let end = partial.firstIndex(of: UInt8(ascii: "\n")) {
      let text = String(decoding: partial[..<end], as: UTF8.self)
      partial.removeSubrange(...end)
      all.append(text)
      waiting.append(ToyLine(text))
    }
    return true
  }

  private static var milliseconds: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
