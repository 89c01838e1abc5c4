import EventLoop
import Synchronization

/// The rooms of this process that have no payload in them: for the arguments of its calls, or if it is a worker, for its results.
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
    /// Rooms are given back by tasks, which takes the kernel a while, and idle ones by themselves.
    var hasTasks = true
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

    var keptBytes: Int { kept.reduce(0) { $0 + $1.room.byteCount } }

    /// What is too much, and whether somebody is to begin to tidy up.
    mutating func keep(_ room: PayloadRoom) -> (tooMany: [PayloadRoom], tidiesUp: Bool) {
      kept.append(Kept(room: room, since: MonotonicClock.now))
      var tooMany: [PayloadRoom] = []
      while keptBytes > PayloadRooms.mostBytes { tooMany.append(kept.removeFirst().room) }
      defer { if hasTasks { isTidyingUp = true } }
      return (tooMany, hasTasks && !isTidyingUp)
    }

    /// Handed out, so that they end outside the lock.
    mutating func removeIdle(_ now: UInt64) -> [PayloadRoom] {
      let isIdle = { (kept: Kept) in now &- kept.since >= PayloadRoom.mostIdle.nanosecondsClamped }
      let idle = kept.filter(isIdle).map(\.room)
      kept.removeAll(where: isIdle)
      return idle
    }
  }

  private let state = Mutex(State())

  /// From now on this starts no tasks: idle rooms are given back by whoever has called this.
  func leaveTidyingUp() { state.withLock { $0.hasTasks = false } }

  /// Resident in this process, for payloads that come.
  var keptBytes: Int { state.withLock { $0.keptBytes } }

  /// Has a payload written into a room; `nil`: it is to get a file of its own.
  func write<Failure: Error>(
    byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws -> SharedFile? {
    guard let room = try room(for: byteCount) else { return nil }
    // From here on it comes back, whatever happens.
    let file = SharedFile(room.file.descriptor, keptBy: RoomTenant(room, returnsTo: self))
    try room.fill(body)
    return file
  }

  /// The same for bytes that are there.
  func write(_ bytes: [UInt8]) throws(MultiprocessingError) -> SharedFile? {
    guard let room = try room(for: bytes.count) else { return nil }
    room.fill { $0.copyBytes(from: bytes) }
    return SharedFile(room.file.descriptor, keptBy: RoomTenant(room, returnsTo: self))
  }

  private func room(for byteCount: Int) throws(MultiprocessingError) -> PayloadRoom? {
    guard PayloadRoom.suits(byteCount) else { return nil }
    return switch state.withLock({ $0.place(for: byteCount) }) {
    case .room(let kept): kept
    case .new: try PayloadRoom(byteCount: byteCount)
    case .none: nil
    }
  }

  /// Keeps a room whose payload this process has let go of. Its reader may not have, yet.
  fileprivate func keep(_ room: PayloadRoom) {
    let (tooMany, tidiesUp) = state.withLock { $0.keep(room) }
    letGo(of: tooMany)
    if tidiesUp { Task.detached { await self.tidyUp() } }
  }

  /// Gives back what nobody needed for a while.
  func leaveIdle() {
    let idle = state.withLock { $0.removeIdle(MonotonicClock.now) }
    letGo(of: idle)
  }

  func leaveAll() {
    let all = state.withLock { state in
      defer { state.kept = [] }
      return state.kept.map(\.room)
    }
    letGo(of: all)
  }

  private func letGo(of rooms: [PayloadRoom]) {
    // Not here, if there are tasks: it may be the loop.
    if !rooms.isEmpty, state.withLock({ $0.hasTasks }) { Task.detached { withExtendedLifetime(rooms) {} } }
  }

  /// Gives back idle rooms until there are none.
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

/// A payload in a room, at the room's maker.
final class RoomTenant: Sendable {
  let room: PayloadRoom
  private let rooms: PayloadRooms

  /// - Parameter rooms: where the room goes when the payload is not needed any more.
  init(_ room: PayloadRoom, returnsTo rooms: PayloadRooms) {
    self.room = room
    self.rooms = rooms
  }

  deinit { rooms.keep(room) }
}
