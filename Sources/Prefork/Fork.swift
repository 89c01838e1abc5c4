// The one place of this room that forks, and what every child does first.

import CLinux
import ForkSafety
import Glibc

/// What a child is to be before its own code runs.
struct ChildSetup {
  /// What a child does about signals at first.
  enum Signals {
    /// Every signal has its default action and none is blocked.
    case plain
    /// An acceptor's: see ``AcceptorSeat`` for which and why.
    case acceptor
  }

  /// Shown by `ps`; the kernel keeps 15 bytes (prctl(2), PR_SET_NAME).
  var name: String
  /// Open descriptors that the child keeps, apart from 0, 1 and 2.
  var keeping: [Int32]
  var signals: Signals
}

enum Fork {
  /// Forks a child that runs `body` and never returns; gives its pid to the parent.
  ///
  /// The child is killed by the kernel when this process ends, in whatever way.
  static func child(_ setup: ChildSetup, body: () -> Never) throws(PreforkError) -> pid_t {
    try SingleThreaded.check(before: setup.name)
    // What is buffered here would be printed once more by the child.
    fflush(nil)
    let parent = getpid()
    let pid = fork()
    if pid < 0 { throw .system(operation: "fork \(setup.name)", code: errno) }
    if pid > 0 { return pid }
    // In the child. The parent may have died before the death signal was asked for: then its pid is not our parent's
    // any more. (Comparing with 1 would be wrong below a subreaper or in a container.)
    if linux_set_parent_death_signal(SIGKILL) != 0 || getppid() != parent { _exit(1) }
    _ = linux_set_process_name(setup.name)
    resetSignals(setup.signals)
    closeDescriptors(keeping: setup.keeping)
    body()
  }

  /// Handlers first, the mask after them: a signal that waits behind the inherited mask must meet its new action.
  private static func resetSignals(_ choice: ChildSetup.Signals) {
    for number in Int32(1)..<32 where number != SIGKILL && number != SIGSTOP && !crashSignals.contains(number) {
      let ignored = choice == .acceptor && AcceptorSeat.ignoredSignals.contains(number)
      signal(number, ignored ? SIG_IGN : SIG_DFL)
    }
    var blocked = SignalDescriptor.set(of: choice == .acceptor ? AcceptorSeat.blockedSignals : [])
    sigprocmask(SIG_SETMASK, &blocked, nil)
  }

  /// Left as they are: the Swift runtime may have put its crash handler there, and the backtrace is worth having.
  private static let crashSignals = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP]

  private static func closeDescriptors(keeping kept: [Int32]) {
    var next: UInt32 = 3
    for descriptor in Set(kept).sorted() where descriptor >= 3 {
      let descriptor = UInt32(descriptor)
      if descriptor > next { _ = linux_close_range(next, descriptor - 1) }
      next = descriptor + 1
    }
    _ = linux_close_range(next, UInt32.max)
  }
}
