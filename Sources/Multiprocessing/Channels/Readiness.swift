import CLinux
import EventLoop
import Glibc

/// Waiting until a descriptor is ready, with or without blocking a thread. That it became ready is a hint: another process may
/// be faster, so whoever waits looks again.
enum Readiness {
  /// Blocks the thread. False: the deadline came first.
  static func wait(for events: Int32, of file: SharedFile, until deadline: UInt64?) throws(ChannelError) -> Bool {
    while true {
      var watched = pollfd(fd: file.descriptor, events: Int16(events), revents: 0)
      let ready = poll(&watched, 1, milliseconds(until: deadline))
      if ready > 0 { return true }
      if ready == 0 {
        // A wait longer than poll(2) can count comes in parts.
        if let deadline, MonotonicClock.now >= deadline { return false }
      } else if errno != EINTR {
        throw .system(MultiprocessingError("poll"))
      }
    }
  }

  /// A look, without waiting.
  static func isReady(for events: Int32, _ file: SharedFile) -> Bool {
    var watched = pollfd(fd: file.descriptor, events: Int16(events), revents: 0)
    return poll(&watched, 1, 0) > 0
  }

  /// Suspends the task. False: the deadline came first.
  ///
  /// - Throws: `CancellationError` when the task is cancelled.
  static func wait(for events: Int32, of file: SharedFile, until deadline: UInt64?) async throws -> Bool {
    guard let deadline else {
      try await ReadinessWatcher.shared.wait(for: events, of: file)
      return true
    }
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await ReadinessWatcher.shared.wait(for: events, of: file)
        return true
      }
      group.addTask {
        let now = MonotonicClock.now
        try await Task.sleep(for: .nanoseconds(Int64(clamping: deadline > now ? deadline - now : 0)))
        return false
      }
      defer { group.cancelAll() }
      return try await group.next() ?? false
    }
  }

  private static func milliseconds(until deadline: UInt64?) -> Int32 {
    guard let deadline else { return -1 }
    let now = MonotonicClock.now
    // Rounded up: a moment too early would mean another round.
    return deadline > now ? Int32(clamping: (deadline - now + 999_999) / 1_000_000) : 0
  }
}

extension Duration {
  /// When it will have passed, on the monotonic clock.
  var fromNow: UInt64 { MonotonicClock.now &+ nanosecondsClamped }
}
