import CLinux
import Glibc

/// How a child process ended.
public enum ChildEnd: Equatable, Sendable, CustomStringConvertible {
  case exited(code: Int32)
  case signaled(Int32)
  /// It outlived the limit it was given and was killed (``runInChild(name:limit:body:)`` only).
  case killedAtLimit

  /// From a status that wait(2) filled in.
  init(waitStatus status: Int32) {
    self =
      linux_status_signaled(status) != 0
      ? .signaled(linux_status_signal(status)) : .exited(code: linux_status_exit_code(status))
  }

  public var description: String {
    switch self {
    case .exited(let code): "exit status \(code)"
    case .signaled(let signal): "signal \(signalName(signal))"
    case .killedAtLimit: "killed at its time limit"
    }
  }
}

/// `SIGTERM` for 15.
func signalName(_ signal: Int32) -> String {
  guard let name = linux_signal_abbreviation(signal) else { return "\(signal)" }
  return "SIG" + String(cString: name)
}
