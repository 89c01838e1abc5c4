// Where processes come from. The acceptor, while it has one thread, starts a nursery; that forks the fork server, and forks
// it again should it die; the fork server forks the workers.
//
//   acceptor ──fork──▶ nursery ──fork──▶ fork server ──fork──▶ worker, worker, …
//       ▲  ╰─ channel ────╯                   │  │                   │
//       ├──── control socket ─────────────────╯  ╰── reaps           │
//       ├──── one socket pair and one output pipe a worker ──────────┤
//       ╰════ memory: one page of the ticket board a worker ═════════╯

import CLinux
import ForkSafety
import Glibc

public enum ForkServer {
  /// Starts a nursery and its fork server. Call it while the process has one thread, and before its event loop exists, on the
  /// thread that will run the loop for ever: the kernel ties children to the thread that forked them (PR_SET_PDEATHSIG(2const),
  /// "parent thread").
  ///
  /// - Parameters:
  ///   - program: what the workers can do.
  ///   - backoff: how long a fork server that keeps dying is left alone.
  public static func start(
    _ program: WorkerProgram, backoff: RestartBackoff = RestartBackoff()
  ) throws(MultiprocessingError) -> ForkServerHandle {
    SingleThreaded.check(beforeForkOf: "the nursery of the fork server")
    let link = try DescriptorPair.sockets()
    let tickets = try TicketBoard()
    let mine = getpid()
    // What is buffered would be printed by the child once more.
    fflush(nil)
    let pid = fork()
    if pid == 0 {
      NurseryProcess.run(
        channel: link.second, parent: mine, program: program, tickets: tickets, backoff: backoff)
    }
    if pid < 0 { throw MultiprocessingError("fork of the nursery") }
    let pidfd = linux_pidfd_open(pid)
    if pidfd < 0 {
      let code = errno
      kill(pid, SIGKILL)
      _ = linux_wait4(pid, nil, 0, nil)
      throw MultiprocessingError("pidfd_open", code: code)
    }
    return ForkServerHandle(
      channel: SharedFile(link.first), pidfd: SharedFile(owning: pidfd), tickets: tickets, nurseryPID: pid,
      program: program)
  }

  /// What Swift's crash handler should find in the environment of the executable (it looks once, before `main`): a backtrace
  /// of the crashed thread only, that never asks, never waits for long, and fits in a report.
  public static let backtraceEnvironment = (
    name: "SWIFT_BACKTRACE",
    value: "enable=yes,interactive=no,color=no,threads=crashed,registers=none,images=none,limit=32,timeout=5s"
  )
}

/// The acceptor's hold on its nursery, for one ``WorkerPool``. When it is let go the nursery ends, and with it all below.
public struct ForkServerHandle: Sendable {
  let channel: SharedFile
  let pidfd: SharedFile
  let tickets: TicketBoard
  public let nurseryPID: pid_t
  let program: WorkerProgram
}
