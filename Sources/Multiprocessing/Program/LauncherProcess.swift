// The life of a launcher: single-threaded and synchronous. It forks what its program asks for, reaps what ended, and ends at
// its channel's end-of-file or with the program, everything it started first.

import CLinux
import EventLoop
import Glibc

/// Runs in a launcher only.
final class LauncherProcess {
  private let channel: FrameSocket
  private let parent: pid_t
  private let program: WorkerProgram
  private let signals: Int32

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
    // What outlives a nursery that was killed comes here, and ends with the launcher.
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
      case .empty: return
      case .closed: leave()
      case .garbled:
        Diagnostics.write("launcher: a message on its channel makes no sense")
        leave()
      }
    }
  }

  private func startNursery() {
    do throws(MultiprocessingError) {
      let nursery = try ForkServer.start(program)
      tell(LaunchAnswer.nursery(nursery.nurseryPID), [nursery.channel.descriptor, nursery.pidfd.descriptor])
    } catch {
      tell(LaunchAnswer.failed(error.code))
    }
  }

  /// Whose end matters to the program, it sees by a pidfd.
  private func reap() {
    var reaped: pid_t
    repeat { reaped = linux_wait4(-1, nil, WNOHANG, nil) } while reaped > 0 || (reaped < 0 && errno == EINTR)
  }

  private func tell(_ frame: [UInt8], _ descriptors: [Int32] = []) {
    // Whatever the reason, a program that cannot be told cannot be served.
    if channel.send(frame, descriptors: descriptors, waiting: true) != 0 { leave() }
  }

  private func leave() -> Never {
    Descendants.endAll(known: [])
    _exit(0)
  }
}
