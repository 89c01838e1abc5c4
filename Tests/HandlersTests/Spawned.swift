import CLinux
import Glibc
import HandlerAPI

/// A command of the system, started with its standard input and output in our hands.
struct Spawned {
  let pid: pid_t
  /// Its standard input and output: a command that reads ends when this one is closed.
  let descriptor: Int32

  /// A socket pair, not a pipe: made close-on-exec in one step, so that no other command started at the same moment
  /// inherits an end and keeps it open.
  init(_ words: [String]) throws {
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw HandlerError("socketpair failed with errno \(errno)") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for pointer in arguments { free(pointer) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, words[0], &actions, nil, &arguments, environ)
    close(ends[1])
    guard code == 0 else {
      close(ends[0])
      throw HandlerError("\(words[0]) does not start: errno \(code)")
    }
    self.pid = pid
    descriptor = ends[0]
  }

  /// Reads until the command is done, or has printed a line.
  func read(untilLine: Bool) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while !(untilLine && bytes.contains(UInt8(ascii: "\n"))) {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// What a command prints; its words go through no shell.
func printed(by words: [String]) throws -> String {
  let command = try Spawned(words)
  let text = command.read(untilLine: false)
  close(command.descriptor)
  waitpid(command.pid, nil, 0)
  return text
}
