// Processes that became the master's children because their own parent died: it is their subreaper. An acceptor's fork
// server and workers die with it (each asks the kernel for that), but what a job started may not have asked.

import CLinux
import Glibc

enum Strays {
  /// Kills every child of this process that is not in `known`. They are reaped like any other child, later.
  ///
  /// The kernel's list may leave some out while others come and go (proc_pid_task(5)): call it again.
  static func kill(except known: Set<pid_t>) -> [pid_t] {
    let strays = children().filter { !known.contains($0) }
    // They are children not yet reaped, so their numbers cannot have passed to somebody else.
    for pid in strays { Glibc.kill(pid, SIGKILL) }
    return strays
  }

  /// The children of this process, which has one thread.
  static func children() -> [pid_t] {
    let me = getpid()
    let file = linux_open("/proc/self/task/\(me)/children", O_RDONLY | O_CLOEXEC, 0)
    // No descriptor is free now, or the kernel lacks CONFIG_PROC_CHILDREN: then strays stay until they end by
    // themselves.
    guard file >= 0 else { return [] }
    defer { close(file) }
    var text: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while text.count < 1 << 20 {
      let count = read(file, &chunk, chunk.count)
      if count <= 0 { break }
      text += chunk.prefix(count)
    }
    return text.split(separator: UInt8(ascii: " ")).compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
  }
}
