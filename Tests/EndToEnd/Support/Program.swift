import CLinux
import Foundation
import Glibc

/// Starts programs. By posix_spawn(3) and never by fork: this process has threads.
enum Program {
  /// What a program that has ended left.
  struct Ended: CustomStringConvertible {
    let status: Int32
    let output: [UInt8]
    let errors: String
    var text: String { String(decoding: output, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
    var description: String { "status \(status), output \(text.prefix(500)), errors \(errors.prefix(2000))" }
  }

  /// The server's own binary: SwiftPM puts it beside the test runner.
  static let millrace: String = {
    var bytes = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &bytes, bytes.count)
    let path = String(decoding: bytes.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return (path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ".") + "/millrace"
  }()

  /// Starts a program as the leader of a process group of its own.
  ///
  /// - Parameters:
  ///   - output: the file that its standard output is appended to; likewise `errors`.
  ///   - environment: what is added to this process's own.
  static func spawn(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String = "/dev/null",
    output: String, errors: String
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    let flags = O_WRONLY | O_CREAT | O_APPEND
    posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, flags, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)

    let inherited = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("MILLRACE_") }
    let variables = inherited.merging(environment) { $1 }
    var argv = ([path] + arguments).map { strdup($0) } + [nil]
    var envp = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    let result = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
    guard result == 0 else {
      throw NeverHappened(description: "\(path) does not start: \(String(cString: strerror(result)))")
    }
    return pid
  }

  /// Waits for the end of a child of this process, and gives its exit status, or 128 and the signal that ended it.
  static func end(of pid: pid_t, within limit: Duration = patience) throws -> Int32 {
    var status: Int32 = 0
    try eventually("process \(pid) has ended", within: limit) { waitpid(pid, &status, WNOHANG) == pid }
    return linux_status_signaled(status) != 0 ? 128 + linux_status_signal(status) : linux_status_exit_code(status)
  }

  /// Runs a program to its end. Past the limit it is killed, and the test fails.
  static func run(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], input: String = "/dev/null",
    within limit: Duration = patience
  ) throws -> Ended {
    let folder = try TestFolder()
    let (output, errors) = (folder.file("output"), folder.file("errors"))
    let pid = try spawn(
      path, arguments, environment: environment, input: input, output: output, errors: errors)
    let status: Int32
    do { status = try end(of: pid, within: limit) } catch {
      kill(-pid, SIGKILL)
      waitpid(pid, nil, 0)
      throw error
    }
    let ended = Ended(
      status: status, output: [UInt8](try Data(contentsOf: URL(fileURLWithPath: output))),
      errors: try String(contentsOfFile: errors, encoding: .utf8))
    try folder.remove()
    return ended
  }
}
