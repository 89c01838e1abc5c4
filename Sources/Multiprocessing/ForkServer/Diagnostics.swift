import Glibc

/// Standard error for processes that have no logger: one line, one write(2).
enum Diagnostics {
  static func write(_ message: String) {
    let line = "millrace[\(getpid())]: \(message)\n"
    // Standard error gone: there is nobody left to tell.
    _ = line.utf8.withContiguousStorageIfAvailable { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
