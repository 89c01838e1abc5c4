import Synchronization

/// Holds a room's file at its reader's, until the last holder there lets it go.
private final class RoomReader: Sendable {
  private let file: SharedFile
  private let loan: RoomLoan
  /// `nil`: what is in the room is mapped for each look.
  private let view: RoomView?
  private let isPassedOn = Atomic(false)

  init(_ file: SharedFile, _ loan: RoomLoan, _ view: RoomView?) {
    self.file = file
    self.loan = loan
    self.view = view
  }

  deinit {
    if !isPassedOn.load(ordering: .acquiring) { loan.giveBack() }
  }

  /// Others have it too, who cannot say when they are done: the room is theirs for good.
  func passOn() { isPassedOn.store(true, ordering: .releasing) }

  /// The first bytes of what is in the room, as long as this lives; `nil`: they cannot be looked at so.
  func contents(byteCount: Int) -> UnsafeRawBufferPointer? { view?.contents(of: file.descriptor, byteCount: byteCount) }
}

extension SharedFile {
  /// A file that came from another process, as one that says when it is not needed any more.
  ///
  /// - Parameter room: its number.
  convenience init(borrowing file: SharedFile, _ loan: RoomLoan, in room: UInt64, view: RoomView? = nil) {
    self.init(file.descriptor, keptBy: RoomReader(file, loan.of(room), view))
  }

  /// The descriptor, to be sent to another process.
  var passedOn: Int32 {
    passOn()
    return descriptor
  }

  /// Notes that another process gets the file: what is in it must never change then.
  func passOn() {
    switch keeper {
    case let reader as RoomReader: reader.passOn()
    case let tenant as RoomTenant: tenant.room.giveAway()
    default: break
    }
  }

  /// What is in a room, if this is a file of one that is kept mapped here; only as long as the file is held.
  func contentsInView(byteCount: Int) -> UnsafeRawBufferPointer? {
    (keeper as? RoomReader)?.contents(byteCount: byteCount)
  }
}

extension Payload {
  /// The same, as what is in a room of its sender's.
  func borrowed(_ loan: RoomLoan, in room: UInt64, view: RoomView?) -> Payload {
    guard case .file(let file, let byteCount) = self else { return self }
    return .file(SharedFile(borrowing: file, loan, in: room, view: view), byteCount: byteCount)
  }
}
