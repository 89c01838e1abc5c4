// A fork copies only the calling thread. Locks that others hold stay locked in the child for ever, and a child of a
// process that once used Task or Dispatch has an executor whose threads are gone: its tasks silently never run
// (libdispatch registers no fork handlers on Linux; tried with Swift 6.3.1). Hence the check before every fork, and the
// loud stop.

import Glibc

public enum SingleThreaded {
  /// Throws ``PreforkError/manyThreads(count:before:)`` unless this process has exactly one thread.
  ///
  /// - Parameter what: what is about to be forked, for the message.
  public static func check(before what: String) throws(PreforkError) {
    let count = try threadCount()
    if count != 1 { throw .manyThreads(count: count, before: what) }
  }

  /// One entry of `/proc/self/task` a thread (proc_pid_task(5)).
  static func threadCount() throws(PreforkError) -> Int {
    guard let folder = opendir("/proc/self/task") else { throw .system(operation: "open /proc/self/task", code: errno) }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
      // "." and ".." are not threads; a thread's name is a number.
      if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
    }
    return count
  }
}
