// The life of a launcher: single-threaded and synchronous. It forks what its program asks for, reaps what ended, and ends at
// its channel's end-of-file or with the program, everything it started first.

import CLinux
import EventLoop
import ForkSafety
import Glibc

/// Runs in a launcher only.
final class LauncherProcess {
  private let channel: FrameSocket
  private let parent: pid_t
  private let program: WorkerProgram
  private let signals: Int32
  /// Child processes, and where to tell of their ends.
  private var children: [pid_t: FrameSocket] = [:]
  private var nurseries: Set<pid_t> = []

  /// - Parameter parent: the program's pid, noted before the fork.
  static func run(channel: consuming OwnedDescriptor, parent: pid_t, program: WorkerProgram) -> Never {
    ChildBirth.begin(name: "mp-launcher", parent: parent, deathSignal: SIGUSR2, keeping: [channel.number])
    ChildBirth.outliveGroupSignals()
    LauncherProcess(FrameSocket(channel), parent, program).serve()
  }

  private init(_ channel: FrameSocket, _ parent: pid_t, _ program: WorkerProgram) {
    self.channel = channel
    self.parent = parent
    self.program = program
    let wanted = [SIGCHLD, SIGUSR2]
    signals = linux_signal_descriptor(wanted, Int32(wanted.count))
    if signals < 0 { ChildBirth.fail("signalfd") }
    // What outlives a nursery or a child process comes here, to be ended.
    if linux_set_child_subreaper() != 0 { ChildBirth.fail("prctl(PR_SET_CHILD_SUBREAPER)") }
  }

  private func serve() -> Never {
    let wait = TwoWayWait(socket: channel.descriptor, signals: signals)
    while true {
      if getppid() != parent { leave() }
      let ready = wait.wait(nil)
      if ready.signals { reap() }
      if ready.socket { obey() }
    }
  }

  private func obey() {
    while true {
      switch channel.receive(waiting: false, LaunchRequest.take) {
      case .message(.nursery): startNursery()
      case .message(.child(let order, let status)): startChild(order, FrameSocket(status))
      case .empty: return
      case .closed: leave()
      // There was no descriptor left for what came along; whoever asked sees its status socket closed.
      case .garbled: Diagnostics.write("launcher: an order could not be taken in (is a descriptor left?)")
      }
    }
  }

  private func startNursery() {
    do throws(MultiprocessingError) {
      let nursery = try ForkServer.start(program)
      nurseries.insert(nursery.nurseryPID)
      tell(
        LaunchAnswer.nursery(nursery.nurseryPID),
        [nursery.channel, nursery.pidfd, nursery.tickets.file, nursery.tickets.bell].map(\.descriptor))
    } catch {
      tell(LaunchAnswer.failed(error.code))
    }
  }

  private func startChild(_ order: ChildOrder, _ status: FrameSocket) {
    SingleThreaded.check(beforeForkOf: "a child process")
    let mine = getpid()
    // What is buffered would be printed by the child once more.
    fflush(nil)
    let pid = fork()
    if pid == 0 { ChildLife.run(order, parent: mine, program: program) }
    let pidfd = pid < 0 ? -1 : linux_pidfd_open(pid)
    let code = errno
    if pid > 0 { children[pid] = status }
    if pidfd >= 0 {
      report(ChildFrame.born(pid), to: status, [pidfd])
      close(pidfd)
    } else {
      // Without a pidfd nobody could be sure to signal this process and no later one of its number.
      if pid > 0 { kill(pid, SIGKILL) }
      report(ChildFrame.failed(code), to: status)
    }
  }

  private func reap() {
    var anyEnded = false
    while true {
      let pid = linux_ended_child()
      if pid <= 0 { break }
      // Whatever a child process left behind in its session ends too. Before it is reaped: until then nobody else can have its
      // number, nor its group's.
      if children[pid] != nil { kill(-pid, SIGKILL) }
      var status: Int32 = 0
      if linux_wait4(pid, &status, 0, nil) < 0 { ChildBirth.fail("wait4") }
      anyEnded = true
      nurseries.remove(pid)
      // The end of anything else that matters to the program, it sees by a pidfd.
      if let socket = children.removeValue(forKey: pid) { report(ChildFrame.ended(status: status), to: socket) }
    }
    // After each death, because the children of a stray come here only when it has died.
    if anyEnded { endStrays() }
  }

  /// Ends processes that lost their parent, and that are in no living child process's session.
  private func endStrays() {
    for pid in Descendants.children()
    where children[pid] == nil && !nurseries.contains(pid) && children[getsid(pid)] == nil {
      kill(pid, SIGKILL)
    }
  }

  /// There are two messages a child at the most, so there is room; and a program that let go of the child need not hear.
  private func report(_ frame: [UInt8], to status: FrameSocket, _ descriptors: [Int32] = []) {
    _ = status.send(frame, descriptors: descriptors, waiting: false)
  }

  private func tell(_ frame: [UInt8], _ descriptors: [Int32] = []) {
    // Whatever the reason, a program that cannot be told cannot be served.
    if channel.send(frame, descriptors: descriptors, waiting: true) != 0 { leave() }
  }

  private func leave() -> Never {
    Descendants.endAll(known: children.keys)
    _exit(0)
  }
}
