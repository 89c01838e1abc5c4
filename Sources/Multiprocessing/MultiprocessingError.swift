import Glibc

/// The outside world failed: which call, with which errno.
public struct MultiprocessingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The system call, and on what: `"fork of the fork server"`.
  public let operation: String
  /// The errno it left, or 0 where the reason is in ``operation``.
  public let code: Int32

  init(_ operation: String, code: Int32 = errno) {
    self.operation = operation
    self.code = code
  }

  public var description: String {
    code == 0 ? operation : "\(operation) failed: \(String(cString: strerror(code)))"
  }
}
