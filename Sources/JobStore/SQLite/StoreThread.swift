import CLinux
import Glibc
import Synchronization

/// A thread of the store's own: SQLite blocks, so it may not run on the event loop or on Swift's cooperative pool.
final class StoreThread: Sendable {
  private struct State {
    var ended = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Mutex(State())
  private let name: String
  private let body: @Sendable () -> Void

  private init(_ name: String, _ body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }

  /// - Parameter name: 15 bytes at the most (prctl(2), PR_SET_NAME); what `ps -T` shows.
  static func start(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SQLiteFailure) -> StoreThread {
    let thread = StoreThread(name, body)
    var id = pthread_t()
    // The new thread holds itself until it ends.
    let start = Unmanaged.passRetained(thread)
    let code = pthread_create(
      &id, nil,
      { argument in
        guard let argument else { preconditionFailure("the thread was given no argument") }
        Unmanaged<StoreThread>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, start.toOpaque())
    if code != 0 {
      start.release()
      errno = code
      throw SQLiteFailure(systemCall: "pthread_create")
    }
    pthread_detach(id)
    return thread
  }

  /// Waits until the thread's work is done. May be called by several, and again.
  func end() async {
    await withCheckedContinuation { continuation in
      let ended = state.withLock { state in
        if !state.ended { state.waiting.append(continuation) }
        return state.ended
      }
      if ended { continuation.resume() }
    }
  }

  private func run() {
    // Names the calling thread, not the process (prctl(2), PR_SET_NAME); a name that fails to be set is only missed.
    _ = linux_set_process_name(name)
    body()
    let waiting = state.withLock { state in
      state.ended = true
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume() }
  }
}

/// The kernel's monotonic clock, in nanoseconds.
func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
