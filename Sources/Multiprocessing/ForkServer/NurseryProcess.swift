// The life of a nursery: a tiny single-threaded process between an acceptor and its fork server. An acceptor has threads and
// may not fork; so this one, forked before there were any, is where a fork server that died is forked again.
//
// Like the fork server it is a subreaper: whoever is left when a fork server is killed is ended here.

import CLinux
import EventLoop
import ForkSafety
import Glibc

/// Runs in a nursery only.
final class NurseryProcess {
  private let channel: FrameSocket
  private let parent: pid_t
  private let program: WorkerProgram
  private let tickets: TicketBoard
  private let signals: Int32
  private var backoff: RestartBackoff

  /// - Parameter parent: the acceptor's pid, noted before the fork.
  static func run(
    channel: consuming OwnedDescriptor, parent: pid_t, program: WorkerProgram, tickets: TicketBoard,
    backoff: RestartBackoff
  ) -> Never {
    ChildBirth.begin(
      name: "millrace-nursery", parent: parent, deathSignal: SIGUSR2,
      keeping: [channel.number, tickets.bell.descriptor])
    ChildBirth.outliveGroupSignals()
    NurseryProcess(FrameSocket(channel), parent, program, tickets, backoff).serve()
  }

  private init(
    _ channel: FrameSocket, _ parent: pid_t, _ program: WorkerProgram, _ tickets: TicketBoard,
    _ backoff: RestartBackoff
  ) {
    self.channel = channel
    self.parent = parent
    self.program = program
    self.tickets = tickets
    self.backoff = backoff
    let wanted = [SIGCHLD, SIGUSR2]
    signals = linux_signal_descriptor(wanted, Int32(wanted.count))
    if signals < 0 { ChildBirth.fail("signalfd") }
    if linux_set_child_subreaper() != 0 { ChildBirth.fail("prctl(PR_SET_CHILD_SUBREAPER)") }
  }

  private func serve() -> Never {
    while true {
      let born = MonotonicClock.now
      let pid = forkServer()
      let status = waitForEnd(of: pid)
      Descendants.endAll(known: [])
      let age = Duration.nanoseconds(Int64(clamping: MonotonicClock.now - born))
      let pause = backoff.pauseAfterDeath(age: age, wasUseful: false, random: .random(in: 0..<1))
      tell(NurseryFrame.died(pid, status: status, pause: pause))
      sleep(pause)
    }
  }

  private func forkServer() -> pid_t {
    SingleThreaded.check(beforeForkOf: "a fork server")
    do {
      let link = try DescriptorPair.sockets()
      let mine = getpid()
      fflush(nil)
      let pid = fork()
      if pid == 0 {
        ForkServerProcess.run(control: link.second, parent: mine, program: program, tickets: tickets)
      }
      if pid < 0 { throw MultiprocessingError("fork of the fork server") }
      let pidfd = linux_pidfd_open(pid)
      if pidfd < 0 { throw MultiprocessingError("pidfd_open") }
      defer { close(pidfd) }
      tell(NurseryFrame.born(pid), descriptors: [link.first.number, pidfd])
      return pid
    } catch {
      // Without a fork server there is nothing to look after: the acceptor sees this one end.
      Diagnostics.write("nursery: \(error)")
      leave()
    }
  }

  /// The wait4(2) status of the fork server, once it ended; leaves when the acceptor does.
  private func waitForEnd(of pid: pid_t) -> Int32 {
    let wait = TwoWayWait(socket: channel.descriptor, signals: signals)
    while true {
      if getppid() != parent { leave() }
      var status: Int32 = 0
      while true {
        let reaped = linux_wait4(-1, &status, WNOHANG, nil)
        if reaped == pid { return status }
        if reaped <= 0 { break }
      }
      if wait.wait(nil).socket { leave() }
    }
  }

  private func sleep(_ pause: Duration) {
    let end = MonotonicClock.now + pause.nanosecondsClamped
    let wait = TwoWayWait(socket: channel.descriptor, signals: signals)
    while true {
      let now = MonotonicClock.now
      if now >= end { return }
      if wait.wait(.nanoseconds(Int64(clamping: end - now))).socket || getppid() != parent { leave() }
    }
  }

  private func tell(_ frame: [UInt8], descriptors: [Int32] = []) {
    // Whatever the reason, an acceptor that cannot be told cannot be served.
    if channel.send(frame, descriptors: descriptors, waiting: true) != 0 { leave() }
  }

  private func leave() -> Never {
    Descendants.endAll(known: [])
    _exit(0)
  }
}
