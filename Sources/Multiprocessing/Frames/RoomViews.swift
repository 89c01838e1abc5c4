import EventLoop
import Synchronization

/// The views that a process keeps of the rooms of one other process, for the payloads that come next.
///
/// A view belongs to the number that its maker gave the room. An inode number would not do: those of memory files are counted
/// with 32 bits, and begin anew (get_next_ino, fs/inode.c). A worker that gives two rooms one number is shown the wrong bytes
/// as its own result, and nothing else: its views are kept apart from everyone else's, are of files it cannot cut short, and
/// no more is read of them than was mapped.
///
/// A view that was pushed out or was not needed for long is unmapped by the last who has a payload in it.
final class RoomViews: Sendable {
  /// Payloads of two large and two small sizes may come in turn.
  static let most = 4
  /// Of all that are kept: as many as their maker keeps rooms for.
  static let mostBytes = PayloadRooms.mostBytes

  private struct Kept {
    let view: RoomView
    let byteCount: Int
    var since: UInt64
  }

  private struct State {
    /// Least recently needed first.
    var kept: [Kept] = []
    var isTidyingUp = false

    /// The view of a room, and what is pushed out by it.
    mutating func view(_ number: UInt64, _ byteCount: Int) -> (RoomView, tooMany: [RoomView]) {
      if let index = kept.firstIndex(where: { $0.view.number == number && $0.byteCount == byteCount }) {
        var known = kept.remove(at: index)
        known.since = MonotonicClock.now
        kept.append(known)
        return (known.view, [])
      }
      let view = RoomView(number)
      kept.append(Kept(view: view, byteCount: byteCount, since: MonotonicClock.now))
      var tooMany: [RoomView] = []
      while kept.count > RoomViews.most || kept.reduce(0, { $0 + $1.byteCount }) > RoomViews.mostBytes {
        tooMany.append(kept.removeFirst().view)
      }
      return (view, tooMany)
    }

    /// Handed out, so that they end outside the lock.
    mutating func removeIdle(_ now: UInt64) -> [RoomView] {
      let isIdle = { (kept: Kept) in now &- kept.since >= PayloadRoom.mostIdle.nanosecondsClamped }
      let idle = kept.filter(isIdle).map(\.view)
      kept.removeAll(where: isIdle)
      return idle
    }
  }

  private let hasTasks: Bool
  private let state = Mutex(State())

  /// - Parameter hasTasks: views are unmapped by tasks, which takes the kernel a while, and idle ones by themselves. Otherwise
  ///   who has this asks for that.
  init(hasTasks: Bool) { self.hasTasks = hasTasks }

  /// The view of a room, for a payload that has just come; `nil`: there are no rooms of that size.
  func view(of number: UInt64, byteCount: Int) -> RoomView? {
    guard PayloadRoom.suits(byteCount) else { return nil }
    let (view, tooMany, tidiesUp) = state.withLock { state in
      let (view, tooMany) = state.view(number, byteCount)
      defer { if hasTasks { state.isTidyingUp = true } }
      return (view, tooMany, hasTasks && !state.isTidyingUp)
    }
    letGo(of: tooMany)
    if tidiesUp { Task.detached { await self.tidyUp() } }
    return view
  }

  var isEmpty: Bool { state.withLock { $0.kept.isEmpty } }

  /// Resident in this process.
  var mappedBytes: Int { state.withLock { $0.kept.reduce(0) { $0 + $1.view.mappedBytes } } }

  /// Lets go of what nobody needed for a while.
  func leaveIdle(now: UInt64 = MonotonicClock.now) {
    let idle = state.withLock { $0.removeIdle(now) }
    letGo(of: idle)
  }

  func leaveAll() {
    let all = state.withLock { state in
      defer { state.kept = [] }
      return state.kept.map(\.view)
    }
    letGo(of: all)
  }

  private func letGo(of views: [RoomView]) {
    // Not here, if there are tasks: it may be the loop.
    if hasTasks && !views.isEmpty { Task.detached { withExtendedLifetime(views) {} } }
  }

  private func tidyUp() async {
    while true {
      // Nobody cancels this task.
      try? await Task.sleep(for: .milliseconds(500))
      leaveIdle()
      let isDone = state.withLock { state in
        state.isTidyingUp = !state.kept.isEmpty
        return state.kept.isEmpty
      }
      if isDone { return }
    }
  }
}
