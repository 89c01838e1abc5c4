import CLinux
import Glibc

/// What every process forked here does first.
enum ChildBirth {
  /// Ties the calling process, just forked, to its parent, and cleans up what it inherited.
  ///
  /// - Parameters:
  ///   - name: shown by `ps` and `top`; 15 bytes at most (PR_SET_NAME).
  ///   - parent: the parent's pid, noted before the fork.
  ///   - deathSignal: sent by the kernel when the parent dies.
  ///   - keeping: the descriptors that stay open beside standard input, output and error; `nil`: all.
  static func begin(name: String, parent: pid_t, deathSignal: Int32, keeping: [Int32]?) {
    linux_reset_signals()
    if linux_set_parent_death_signal(deathSignal) != 0 { fail("prctl(PR_SET_PDEATHSIG)") }
    // The parent may have died before the line above; comparing with 1 would be wrong under a subreaper.
    if getppid() != parent { _exit(0) }
    // A name is a help for people only.
    _ = linux_set_process_name(name)
    if let keeping, linux_close_all_but(keeping, Int32(keeping.count)) != 0 { fail("close_range") }
  }

  /// Lets the signals pass that a terminal or an init system sends to a whole group: who is in charge of this process
  /// decides when it ends, by its socket and by SIGKILL. A closed pipe is an error of write(2), not a death.
  static func outliveGroupSignals() {
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGPIPE] where linux_drop_signal(signal) != 0 { fail("sigaction") }
  }

  /// Ends a newborn process that cannot be set up.
  static func fail(_ operation: String, code: Int32 = errno) -> Never {
    Diagnostics.write("\(operation) failed: \(String(cString: strerror(code)))")
    _exit(EX_OSERR)
  }
}
