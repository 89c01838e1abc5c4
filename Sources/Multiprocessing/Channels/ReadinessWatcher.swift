import CLinux
import Glibc
import Synchronization

/// The one thread of a process that waits for descriptors on behalf of tasks, so that none of the cooperative pool's threads
/// ever blocks. It is started by the first task that waits, and lives as long as the process.
///
/// Not the event loop: a worker, a child process and a plain program have none.
final class ReadinessWatcher: Sendable {
  static let shared = ReadinessWatcher()

  private let epoll: Int32
  private let state = Mutex(State())

  private struct State {
    var nextNumber: UInt64 = 1
    /// By descriptor: several tasks may wait for one, for the same or for different events.
    var waiters: [Int32: [Waiter]] = [:]
  }

  private struct Waiter {
    let number: UInt64
    let events: UInt32
    /// Keeps the descriptor's number from meaning another file meanwhile.
    let file: SharedFile
    let continuation: CheckedContinuation<Void, any Error>
  }

  private init() {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    precondition(epoll >= 0, "epoll_create1 failed with errno \(errno)")
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { context in
        Unmanaged<ReadinessWatcher>.fromOpaque(context!).takeUnretainedValue().serve()
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(failure == 0, "pthread_create failed with error \(failure)")
    pthread_detach(thread)
  }

  /// Returns when the file is ready for one of the events (POLLIN, POLLOUT: epoll(7) has the same bits), in error or hung up.
  ///
  /// - Throws: `CancellationError`, or ``ChannelError/system(_:)``.
  func wait(for events: Int32, of file: SharedFile) async throws {
    let number = state.withLock { state in
      defer { state.nextNumber += 1 }
      return state.nextNumber
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let waiter = Waiter(number: number, events: UInt32(events), file: file, continuation: continuation)
        state.withLock { add(waiter, to: &$0) }
      }
    } onCancel: {
      state.withLock { state in
        guard let index = state.waiters[file.descriptor]?.firstIndex(where: { $0.number == number }),
          let waiter = state.waiters[file.descriptor]?.remove(at: index)
        else { return }
        arm(file.descriptor, &state, isNew: false)
        waiter.continuation.resume(throwing: CancellationError())
      }
    }
  }

  private func add(_ waiter: Waiter, to state: inout State) {
    // Under the lock that the cancellation handler takes too: either it finds the waiter, or this sees the cancellation.
    if Task.isCancelled { return waiter.continuation.resume(throwing: CancellationError()) }
    let descriptor = waiter.file.descriptor
    let isNew = state.waiters[descriptor] == nil
    state.waiters[descriptor, default: []].append(waiter)
    let code = arm(descriptor, &state, isNew: isNew)
    if code == 0 { return }
    state.waiters[descriptor]?.removeLast()
    if isNew { state.waiters[descriptor] = nil }
    waiter.continuation.resume(throwing: ChannelError.system(MultiprocessingError("epoll_ctl", code: code)))
  }

  /// Watches a descriptor for what its waiters want; forgets it if nobody waits. 0, or the errno.
  @discardableResult
  private func arm(_ descriptor: Int32, _ state: inout State, isNew: Bool) -> Int32 {
    let wanted = state.waiters[descriptor, default: []].reduce(0) { $0 | $1.events }
    var event = epoll_event(
      events: wanted | EPOLLONESHOT.rawValue, data: epoll_data_t(u64: UInt64(UInt32(bitPattern: descriptor))))
    if wanted == 0 { state.waiters[descriptor] = nil }
    let operation = wanted == 0 ? EPOLL_CTL_DEL : isNew ? EPOLL_CTL_ADD : EPOLL_CTL_MOD
    return epoll_ctl(epoll, operation, descriptor, &event) == 0 ? 0 : errno
  }

  private func serve() -> Never {
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: 64)
    while true {
      let count = epoll_wait(epoll, events, 64, -1)
      precondition(count >= 0 || errno == EINTR, "epoll_wait failed with errno \(errno)")
      for index in 0..<max(0, Int(count)) { wake(events[index]) }
    }
  }

  private func wake(_ event: epoll_event) {
    let descriptor = Int32(truncatingIfNeeded: event.data.u64)
    // Errors and hang-ups concern everybody.
    let happened = event.events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 ? .max : event.events
    let ready = state.withLock { state -> [Waiter] in
      guard let waiters = state.waiters[descriptor] else { return [] }
      state.waiters[descriptor] = waiters.filter { $0.events & happened == 0 }
      arm(descriptor, &state, isNew: false)
      return waiters.filter { $0.events & happened != 0 }
    }
    // Outside the lock: the last one may close the file, and a task may run at once.
    for waiter in ready { waiter.continuation.resume() }
  }
}
