import EventLoop
import Synchronization

/// The rooms of this process that have no payload in them, for the arguments of its calls.
final class PayloadRooms: Sendable {
  static let shared = PayloadRooms()

  /// Of all rooms that are kept. Beyond that, they are given back to the kernel at once.
  static let mostBytes = 2 * PayloadRoom.longest

  private struct Kept {
    let room: PayloadRoom
    let since: UInt64
  }

  private struct State {
    var kept: [Kept] = []
    /// Size of the last payload that found no room: the second of one size gets one made.
    var lastByteCount = 0
    var isTidyingUp = false

    enum Place { case room(PayloadRoom), new, none }

    mutating func place(for byteCount: Int) -> Place {
      let isSecond = lastByteCount == byteCount
      lastByteCount = byteCount
      if let index = kept.lastIndex(where: { $0.room.byteCount == byteCount && $0.room.isFree }) {
        return .room(kept.remove(at: index).room)
      }
      // Where readers keep what they get, a room is not worth its making.
      return isSecond && !kept.contains { $0.room.byteCount == byteCount } ? .new : .none
    }

    /// What is too much, and whether somebody is to begin to tidy up.
    mutating func keep(_ room: PayloadRoom) -> (tooMany: [PayloadRoom], tidiesUp: Bool) {
      kept.append(Kept(room: room, since: MonotonicClock.now))
      var tooMany: [PayloadRoom] = []
      while kept.reduce(0, { $0 + $1.room.byteCount }) > PayloadRooms.mostBytes {
        tooMany.append(kept.removeFirst().room)
      }
      defer { isTidyingUp = true }
      return (tooMany, !isTidyingUp)
    }

    /// Handed out, so that they end outside the lock.
    mutating func removeIdle(since limit: UInt64) -> (rooms: [PayloadRoom], isLast: Bool) {
      let idle = kept.filter { $0.since < limit }.map(\.room)
      kept.removeAll { $0.since < limit }
      isTidyingUp = !kept.isEmpty
      return (idle, kept.isEmpty)
    }
  }

  private let state = Mutex(State())

  /// Puts bytes into a room; `nil`: they are to get a file of their own.
  func write(_ bytes: [UInt8]) throws(MultiprocessingError) -> SharedFile? {
    guard PayloadRoom.suits(bytes.count) else { return nil }
    let room: PayloadRoom
    switch state.withLock({ $0.place(for: bytes.count) }) {
    case .room(let kept): room = kept
    case .new: room = try PayloadRoom(byteCount: bytes.count)
    case .none: return nil
    }
    room.fill(bytes)
    return SharedFile(room.file.descriptor, keptBy: RoomTenant(room, returnsTo: self))
  }

  /// Keeps a room whose payload this process has let go of. Its reader may not have, yet.
  fileprivate func keep(_ room: PayloadRoom) {
    let (tooMany, tidiesUp) = state.withLock { $0.keep(room) }
    // Not here: it may be the loop, and it takes the kernel a while.
    if !tooMany.isEmpty { Task.detached { withExtendedLifetime(tooMany) {} } }
    if tidiesUp { Task.detached { await self.tidyUp() } }
  }

  /// Gives back, until there are none, the rooms that nobody needed for a while.
  private func tidyUp() async {
    while true {
      let before = MonotonicClock.now &- PayloadRoom.mostIdle.nanosecondsClamped
      if state.withLock({ $0.removeIdle(since: before) }).isLast { return }
      // Nobody cancels this task.
      try? await Task.sleep(for: .milliseconds(500))
    }
  }
}

/// A payload in a room, at the room's maker.
final class RoomTenant: Sendable {
  let room: PayloadRoom
  private let rooms: PayloadRooms?

  /// - Parameter rooms: where the room goes when the payload is not needed any more; `nil`: its maker has it.
  init(_ room: PayloadRoom, returnsTo rooms: PayloadRooms?) {
    self.room = room
    self.rooms = rooms
  }

  deinit { rooms?.keep(room) }
}
