import CLinux
import Glibc

/// How a process ended.
public enum ProcessEnd: Sendable, Equatable, CustomStringConvertible {
  /// By itself, with an exit status: 0 if its function returned, 1 if that threw.
  case exited(Int32)
  /// By a signal: a crash, ``ChildProcess/terminate()`` or ``ChildProcess/kill()``. Also SIGKILL if its launcher died with it.
  case signal(Int32)

  /// From the status of wait4(2).
  init(status: Int32) {
    self =
      linux_status_signaled(status) != 0
      ? .signal(linux_status_signal(status)) : .exited(linux_status_exit_code(status))
  }

  /// As Python's `exitcode`: the exit status, or the signal's number with a minus sign.
  public var exitCode: Int32 {
    switch self {
    case .exited(let status): status
    case .signal(let number): -number
    }
  }

  public var description: String {
    switch self {
    case .exited(let status): "exit status \(status)"
    case .signal(let number):
      linux_signal_abbreviation(number).map { "SIG\(String(cString: $0))" } ?? "signal \(number)"
    }
  }
}

/// Why a child process was not started.
public enum ChildProcessError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The program does not name the function among those other processes can run.
  case notRegistered(String)
  case argument(ValueCodingError)
  /// There is no launcher, or it could not fork.
  case system(MultiprocessingError)

  public var description: String {
    switch self {
    case .notRegistered(let name):
      "the function \"\(name)\" is not registered: name it in the program's functions, or in Launcher.start"
    case .argument(let error): "\(error)"
    case .system(let error): "\(error)"
    }
  }
}
