import ForkSafety
import Glibc

extension SingleThreaded {
  /// Stops the process with a message on standard error if it has more than one thread.
  ///
  /// - Parameter child: what was about to be forked, for the message (`"the fork server"`).
  static func check(beforeForkOf child: String) {
    guard let fault = fault(beforeForkOf: child) else { return }
    Diagnostics.write(fault)
    exit(EX_SOFTWARE)
  }
}
