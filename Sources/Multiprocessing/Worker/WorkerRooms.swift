import EventLoop
import Glibc

/// The rooms a worker has to do with: the one that its large results are in, and those of its pool, where its large arguments
/// are. It gives back what it does not need for ``PayloadRoom/mostIdle``, but never while a call runs.
struct WorkerRooms {
  private var results = ResultRoom()
  private let views = RoomViews(most: RoomViews.mostOfPool, hasTasks: false)
  private var resultsSince: UInt64 = 0

  /// Resident in this process.
  var byteCount: Int { results.byteCount + views.mappedBytes }

  private var isEmpty: Bool { results.byteCount == 0 && views.isEmpty }

  /// A call's argument as it came, if it is in one of the pool's rooms.
  func argument(_ received: Payload, in room: UInt64, lent loan: RoomLoan) -> Payload {
    received.borrowed(loan, view: views.view(of: room, byteCount: received.byteCount))
  }

  /// A call's result as it is sent.
  mutating func part(_ result: Payload, lending loan: RoomLoan) throws(MultiprocessingError) -> PayloadPart {
    let part = try results.part(result, lending: loan)
    if part.room != nil { resultsSince = MonotonicClock.now }
    return part
  }

  mutating func leave() {
    results.leave()
    views.leaveAll()
  }

  /// Waits until there is something on the socket; gives back what is not needed for long, up to then or meanwhile.
  mutating func leaveIfIdle(until socket: Int32) {
    if isEmpty { return }
    leaveIdle()
    if isEmpty { return }
    var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    // Interrupted by a signal: it is given back later, or is needed.
    if poll(&watched, 1, Int32(PayloadRoom.mostIdle.nanosecondsClamped / 1_000_000)) == 0 { leave() }
  }

  private mutating func leaveIdle() {
    views.leaveIdle()
    if MonotonicClock.now &- resultsSince >= PayloadRoom.mostIdle.nanosecondsClamped { results.leave() }
  }
}
