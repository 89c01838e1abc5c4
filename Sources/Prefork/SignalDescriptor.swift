import CLinux
import Glibc

/// Signals as a readable descriptor instead of handlers (signalfd(2)): nothing runs at a bad moment, and a signal that
/// comes before the descriptor is read waits in the kernel.
///
/// A descriptor reads the signals of the process that *reads* it, so each process makes its own, after its fork.
public final class SignalDescriptor: Sendable {
  /// Readable when a signal waits. Owned by this object.
  public let fileDescriptor: Int32

  /// Blocks `signals` for the calling thread, and all threads it starts later, and makes them readable here.
  public init(_ signals: [Int32]) throws(PreforkError) {
    var set = Self.set(of: signals)
    guard sigprocmask(SIG_BLOCK, &set, nil) == 0 else { throw .system(operation: "block signals", code: errno) }
    fileDescriptor = signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
    guard fileDescriptor >= 0 else { throw .system(operation: "signalfd", code: errno) }
  }

  deinit { close(fileDescriptor) }

  /// The signals that have come since the last call, in the order the kernel gives them. Several of one number that
  /// came before a read are one (signal(7)).
  public func pending() -> [Int32] {
    var signals: [Int32] = []
    var record = signalfd_siginfo()
    while read(fileDescriptor, &record, MemoryLayout<signalfd_siginfo>.size) == MemoryLayout<signalfd_siginfo>.size {
      signals.append(Int32(bitPattern: record.ssi_signo))
    }
    return signals
  }

  static func set(of signals: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    return set
  }
}
