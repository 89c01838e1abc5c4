// What both rooms that fork, Prefork and Multiprocessing, must know alike.
//
// A fork copies only the calling thread. Locks that others hold stay locked in the child for ever, and a child of a process
// that once used Task or Dispatch has an executor whose threads are gone: its tasks silently never run (libdispatch registers
// no fork handlers on Linux; tried with Swift 6.3.1). Hence the look before every fork.

import Glibc

/// The rule every fork obeys: a process that forks has one thread.
public enum SingleThreaded {
  /// What is wrong with forking now; `nil`: nothing.
  ///
  /// - Parameter child: what is about to be forked, for the message (`"the fork server"`).
  public static func fault(beforeForkOf child: String) -> String? {
    let count = threadCount()
    return count == 1 ? nil : fault(before: child, threads: count)
  }

  /// What is wrong with forking while there are so many threads.
  public static func fault(before child: String, threads count: Int) -> String {
    "cannot fork \(child): the process has \(count) threads, and only a single-threaded one may fork. "
      + "Something started a thread too early: a Task, Dispatch, Foundation.Process, or a library."
  }

  /// Threads of this process: entries of /proc/self/task (proc_pid_task(5)). 0 if it cannot be read, which counts as unfit.
  public static func threadCount() -> Int {
    guard let folder = opendir("/proc/self/task") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
      // "." and ".." are not threads; a thread's name is a number.
      if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
    }
    return count
  }
}
