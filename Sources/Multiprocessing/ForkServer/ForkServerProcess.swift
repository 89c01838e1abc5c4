// The life of a fork server: single-threaded and synchronous. It preloads, then forks a worker for each request, reaps
// those that ended, and says so. It ends at its control socket's end-of-file or with its parent, its workers first.

import CLinux
import ForkSafety
import Glibc

/// Runs in a fork server only.
final class ForkServerProcess {
  private let control: FrameSocket
  private let parent: pid_t
  private let program: WorkerProgram
  private let tickets: TicketBoard
  private let signals: Int32
  private var workers: [pid_t: UInt64] = [:]

  /// - Parameter parent: the nursery's pid, noted before the fork.
  static func run(
    control: consuming OwnedDescriptor, parent: pid_t, program: WorkerProgram, tickets: TicketBoard
  ) -> Never {
    // While preloading there is nobody to look after, and code of others runs: the kernel ends it with its parent.
    ChildBirth.begin(
      name: "millrace-forker", parent: parent, deathSignal: SIGKILL,
      keeping: [control.number, tickets.bell.descriptor])
    ChildBirth.outliveGroupSignals()
    let control = FrameSocket(control)
    do {
      try program.preload()
    } catch {
      leaveUnfit(control, "the preload failed: \(error)")
    }
    if let fault = SingleThreaded.fault(beforeForkOf: "workers (after the preload)") { leaveUnfit(control, fault) }
    ForkServerProcess(control, parent, program, tickets).serve()
  }

  private static func leaveUnfit(_ control: FrameSocket, _ reason: String) -> Never {
    Diagnostics.write("fork server: \(reason)")
    // An acceptor that is gone needs no reason.
    _ = control.send(ForkServerFrame.unfit(reason), waiting: true)
    _exit(EX_SOFTWARE)
  }

  private init(
    _ control: FrameSocket, _ parent: pid_t, _ program: WorkerProgram, _ tickets: TicketBoard
  ) {
    self.control = control
    self.parent = parent
    self.program = program
    self.tickets = tickets
    let wanted = [SIGCHLD, SIGUSR2]
    signals = linux_signal_descriptor(wanted, Int32(wanted.count))
    if signals < 0 { ChildBirth.fail("signalfd") }
    // What a worker leaves behind comes here, to be ended, and not to the machine's init.
    if linux_set_child_subreaper() != 0 { ChildBirth.fail("prctl(PR_SET_CHILD_SUBREAPER)") }
    // From here on the parent's death is heard and not suffered: the workers' own children must go too.
    if linux_set_parent_death_signal(SIGUSR2) != 0 { ChildBirth.fail("prctl(PR_SET_PDEATHSIG)") }
  }

  private func serve() -> Never {
    tell(ForkServerFrame.ready())
    let wait = TwoWayWait(socket: control.descriptor, signals: signals)
    while true {
      if getppid() != parent { leave() }
      let ready = wait.wait(nil)
      if ready.signals { reap() }
      if ready.socket { obey() }
    }
  }

  private func obey() {
    while true {
      switch control.receive(waiting: false, SpawnRequest.take) {
      case .message(let (worker, page)): spawn(worker, page)
      case .empty: return
      case .closed: leave()
      case .garbled:
        Diagnostics.write("fork server: a message on its control socket makes no sense")
        leave()
      }
    }
  }

  // MARK: - Workers

  private func spawn(_ worker: UInt64, _ page: Int) {
    SingleThreaded.check(beforeForkOf: "a worker")
    do throws(MultiprocessingError) {
      let link = try DescriptorPair.sockets()
      let output = try DescriptorPair.pipe()
      let inherited = MemoryStatus.ofThisProcess()?.anonymousBytes ?? 0
      let mine = getpid()
      // What is buffered would be printed by the child once more.
      fflush(nil)
      let pid = fork()
      if pid == 0 {
        // Never returning, the child would keep the acceptor's ends, and hide the acceptor's death from itself.
        close(link.first.number)
        close(output.first.number)
        becomeWorker(link.second, output.second, page, parent: mine)
      }
      if pid < 0 { throw MultiprocessingError("fork of a worker") }
      workers[pid] = worker
      let pidfd = linux_pidfd_open(pid)
      if pidfd < 0 {
        // Its death will be reported as that of a worker the acceptor never met.
        let code = errno
        kill(pid, SIGKILL)
        throw MultiprocessingError("pidfd_open", code: code)
      }
      defer { close(pidfd) }
      tell(
        ForkServerFrame.spawned(worker, pid: pid, inheritedBytes: inherited),
        descriptors: [link.first.number, output.first.number, pidfd])
    } catch {
      tell(ForkServerFrame.spawnFailed(worker, code: error.code))
    }
  }

  /// Runs in the child.
  private func becomeWorker(
    _ socket: consuming OwnedDescriptor, _ output: consuming OwnedDescriptor, _ page: Int, parent: pid_t
  ) -> Never {
    // Held by a worker, the control socket would hide the fork server's end from the acceptor.
    close(control.descriptor)
    close(signals)
    WorkerProcess.run(
      socket: socket, output: output, tickets: tickets.keepOnly(page), bell: tickets.bell, parent: parent,
      program: program)
  }

  private func reap() {
    var anyEnded = false
    while true {
      let pid = linux_ended_child()
      if pid <= 0 { break }
      if workers[pid] != nil {
        // Before it is reaped: until then nobody else can have its number, nor its group's.
        kill(-pid, SIGKILL)
      }
      var status: Int32 = 0
      var usage = rusage()
      let reaped = linux_wait4(pid, &status, 0, &usage)
      if reaped < 0 { ChildBirth.fail("wait4") }
      anyEnded = true
      if let worker = workers.removeValue(forKey: pid) {
        tell(ForkServerFrame.exited(worker, status: status, usage: WorkerUsage(usage)))
      }
    }
    // After each death, because the children of a stray come here only when it has died.
    if anyEnded { endStrays() }
  }

  /// Ends processes that a worker started, that lost their parent, and that no living worker's session holds.
  private func endStrays() {
    for pid in Descendants.children() where workers[pid] == nil && workers[getsid(pid)] == nil {
      kill(pid, SIGKILL)
    }
  }

  // MARK: - Ends

  private func tell(_ frame: [UInt8], descriptors: [Int32] = []) {
    let code = control.send(frame, descriptors: descriptors, waiting: true)
    if code == 0 { return }
    if code != EPIPE && code != ECONNRESET { Diagnostics.write("fork server: sending failed, errno \(code)") }
    leave()
  }

  private func leave() -> Never {
    Descendants.endAll(known: workers.keys)
    _exit(0)
  }
}
