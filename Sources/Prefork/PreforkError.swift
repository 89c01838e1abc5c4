import CLinux
import ForkSafety
import Glibc

/// What the kernel, or the state of this process, refused.
public enum PreforkError: Error, Equatable, Sendable, CustomStringConvertible {
  /// A fork was about to happen in a process with more than one thread (see ``SingleThreaded``).
  case manyThreads(count: Int, before: String)
  /// A system call failed with this errno.
  case system(operation: String, code: Int32)

  public var description: String {
    switch self {
    case .manyThreads(let count, let what): SingleThreaded.fault(before: what, threads: count)
    case .system(let operation, let code): "\(operation): \(String(cString: strerror(code)))"
    }
  }
}
