import EventLoop
import Glibc

/// The rooms a worker has to do with: its own, which its large results are in, and its pool's, where its large arguments are.
/// It gives back what it does not need for ``PayloadRoom/mostIdle``, but never while a call runs.
struct WorkerRooms {
  private let own: PayloadRooms
  private let views = RoomViews(hasTasks: false)

  init(_ own: PayloadRooms = .shared) {
    self.own = own
    own.leaveTidyingUp()
  }

  /// Resident in this process, and no payload of a call's is in it.
  var byteCount: Int { own.keptBytes + views.mappedBytes }

  private var isEmpty: Bool { own.keptBytes == 0 && views.isEmpty }

  /// A call's argument as it came, if it is in one of the pool's rooms.
  func argument(_ received: Payload, in room: UInt64, lent loan: RoomLoan) -> Payload {
    received.borrowed(loan, in: room, view: views.view(of: room, byteCount: received.byteCount))
  }

  /// A call's result as it is sent.
  func part(_ result: Payload, lending loan: RoomLoan) throws(MultiprocessingError) -> PayloadPart {
    let part = try PayloadPart(try result.readyToSend(in: own))
    if let room = part.room {
      room.lend(loan)
    } else if let file = part.file {
      SealedMemory.sealIfPossible(file.descriptor)
    }
    return part
  }

  func leave() {
    own.leaveAll()
    views.leaveAll()
  }

  /// Waits until there is something on the socket; gives back what is not needed for long, up to then or meanwhile.
  func leaveIfIdle(until socket: Int32) {
    if isEmpty { return }
    own.leaveIdle()
    views.leaveIdle()
    if isEmpty { return }
    var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    // Interrupted by a signal: it is given back later, or is needed.
    if poll(&watched, 1, Int32(PayloadRoom.mostIdle.nanosecondsClamped / 1_000_000)) == 0 { leave() }
  }
}
