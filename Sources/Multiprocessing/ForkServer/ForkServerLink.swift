import CLinux
import EventLoop
import Glibc

/// Trouble below a pool that its owner should hear of, to log it or to act.
public enum ForkServerTrouble: Sendable, Equatable {
  /// The preload failed, or started a thread. It is tried again, with back-off.
  case unfit(String)
  /// It ended; another is forked after the pause. Running calls ended as `.lost`, unless they were cancelled or overdue.
  case died(signal: Int32?, exitStatus: Int32?, pause: Duration)
  /// The nursery ended: nothing can be forked any more. The owner of the pool should restart itself.
  case gone
}

/// The acceptor's end of the channel to its nursery and of the control socket to the present fork server.
@LoopActor
final class ForkServerLink {
  enum Event {
    case born(pid: pid_t)
    case ready
    case spawned(Newborn)
    case spawnFailed(worker: UInt64, code: Int32)
    case exited(worker: UInt64, status: Int32, WorkerUsage)
    /// The control socket is at its end: the fork server is dead, or will be.
    case down
    case trouble(ForkServerTrouble)
  }

  private let nursery: FrameSocket
  private let nurseryPIDFD: SharedFile
  private let nurseryPID: pid_t
  private var control: FrameSocket?
  private var forkServerPIDFD: SharedFile?
  /// Emptied by ``shut()``: until then it keeps the pool alive, whose workers' descriptors the loop watches.
  private var onEvent: (@LoopActor (Event) -> Void)?
  private var isSilent = false
  private var isReaped = false
  private var whenReaped: [@LoopActor () -> Void] = []

  private var loop: EpollLoop { .shared }

  init(_ handle: ForkServerHandle, onEvent: @escaping @LoopActor (Event) -> Void) {
    nursery = FrameSocket(handle.channel)
    nurseryPIDFD = handle.pidfd
    nurseryPID = handle.nurseryPID
    self.onEvent = onEvent
  }

  func start() {
    loop.watch(nursery.descriptor, for: .readable) { [weak self] _ in self?.hearNursery() }
    // A pidfd is readable once its process has ended (pidfd_open(2)). It holds the link until the nursery is reaped.
    loop.watch(nurseryPIDFD.descriptor, for: .readable) { _ in self.reapNursery() }
  }

  /// Asks for a worker; true if the fork server could be asked.
  func requestWorker(_ number: UInt64, page: Int) -> Bool {
    control?.send(SpawnRequest.encoded(number, page: page), waiting: false) == 0
  }

  func killForkServer() {
    if let forkServerPIDFD { _ = linux_pidfd_send_signal(forkServerPIDFD.descriptor, SIGKILL) }
  }

  /// Ends everything below; no event comes any more.
  func shut() {
    isSilent = true
    onEvent = nil
    dropControl()
    loop.unwatch(nursery.descriptor)
    // The nursery reads the end-of-file, ends its descendants, and leaves.
    Glibc.shutdown(nursery.descriptor, Int32(SHUT_RDWR))
  }

  /// Calls back when the nursery has ended, and with it every process below.
  func afterEnd(_ body: @escaping @LoopActor () -> Void) {
    if isReaped { body() } else { whenReaped.append(body) }
  }

  // MARK: - Hearing

  private func hearNursery() {
    while !isSilent {
      switch nursery.receive(waiting: false, NurseryFrame.take) {
      case .message(.born(let pid, let control, let pidfd)):
        dropControl()
        listen(FrameSocket(control))
        forkServerPIDFD = pidfd
        tell(.born(pid: pid))
      case .message(.died(_, let status, let pause)):
        if control != nil { hearForkServer() }
        let signal = linux_status_signaled(status) != 0 ? linux_status_signal(status) : nil
        let exitStatus = linux_status_exited(status) != 0 ? linux_status_exit_code(status) : nil
        tell(
          .trouble(
            .died(signal: signal, exitStatus: exitStatus, pause: .nanoseconds(Int64(clamping: pause)))))
      case .empty: return
      case .closed, .garbled:
        loop.unwatch(nursery.descriptor)
        _ = linux_pidfd_send_signal(nurseryPIDFD.descriptor, SIGKILL)
        return
      }
    }
  }

  private func listen(_ socket: FrameSocket) {
    control = socket
    loop.watch(socket.descriptor, for: .readable) { [weak self] _ in self?.hearForkServer() }
  }

  private func hearForkServer() {
    while let control, !isSilent {
      switch control.receive(waiting: false, ForkServerFrame.take) {
      case .message(.ready): tell(.ready)
      case .message(.unfit(let reason)): tell(.trouble(.unfit(reason)))
      case .message(.spawned(let newborn)): tell(.spawned(newborn))
      case .message(.spawnFailed(let worker, let code)): tell(.spawnFailed(worker: worker, code: code))
      case .message(.exited(let worker, let status, let usage)):
        tell(.exited(worker: worker, status: status, usage))
      case .empty: return
      case .closed: forkServerEnded()
      case .garbled:
        killForkServer()
        forkServerEnded()
      }
    }
  }

  private func forkServerEnded() {
    dropControl()
    tell(.down)
  }

  private func dropControl() {
    guard let control else { return }
    loop.unwatch(control.descriptor)
    self.control = nil
    forkServerPIDFD = nil
  }

  private func reapNursery() {
    loop.unwatch(nurseryPIDFD.descriptor)
    // ECHILD: the process reaps its children elsewhere too.
    _ = linux_wait4(nurseryPID, nil, WNOHANG, nil)
    isReaped = true
    loop.unwatch(nursery.descriptor)
    if !isSilent {
      dropControl()
      tell(.trouble(.gone))
    }
    for body in whenReaped { body() }
    whenReaped = []
  }

  private func tell(_ event: Event) {
    if !isSilent { onEvent?(event) }
  }
}
