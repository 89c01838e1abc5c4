import Glibc

/// The rule every fork here obeys: a process that forks has one thread.
///
/// A forked child has only the thread that forked. Locks held by others stay locked in it for ever, and once a parent has
/// used Dispatch or a Swift task, the child's tasks silently never run (libdispatch on Linux registers no fork handlers).
public enum SingleThreaded {
  /// Stops the process with a message on standard error if it has more than one thread.
  ///
  /// - Parameter child: what was about to be forked, for the message (`"the fork server"`).
  public static func check(beforeForkOf child: String) {
    guard let fault = fault(beforeForkOf: child) else { return }
    Diagnostics.write(fault)
    exit(EX_SOFTWARE)
  }

  /// What is wrong with forking now; `nil`: nothing.
  static func fault(beforeForkOf child: String) -> String? {
    let count = threadCount()
    if count == 1 { return nil }
    return "cannot fork \(child): the process has \(count) threads, and only a single-threaded one may fork. "
      + "Something started a thread too early: a Task, Dispatch, Foundation.Process, or a library."
  }

  /// Entries of /proc/self/task (proc(5)); 0 if it cannot be read, which counts as unfit.
  static func threadCount() -> Int {
    guard let folder = opendir("/proc/self/task") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while let entry = readdir(folder) {
      if entry.pointee.d_name.0 != CChar(bitPattern: UInt8(ascii: ".")) { count += 1 }
    }
    return count
  }
}

/// Standard error for processes that have no logger: one line, one write(2).
enum Diagnostics {
  static func write(_ message: String) {
    let line = "millrace[\(getpid())]: \(message)\n"
    // Standard error gone: there is nobody left to tell.
    _ = line.utf8.withContiguousStorageIfAvailable { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
