import CLinux
import Glibc
import Synchronization

/// Memory for one large payload after the other, all of one size: a memory file that stays mapped at its maker's.
///
/// Fresh pages cost the kernel several times what it costs to fill them, so a room is filled anew once its reader has let go
/// of what was in it before. Nobody can change its size, which a reader in place would die of (SIGBUS), and nobody but its
/// maker, through the mapping made here, can change its content (F_SEAL_FUTURE_WRITE, fcntl(2)). The maker does so only after
/// every reader said on a ticket page that it is done; a reader that died never says so, and its room is not used again.
final class PayloadRoom: @unchecked Sendable {
  // @unchecked: its memory has one owner at a time: who fills it, then the payload that is in it, then who keeps it for the next.
  let file: SharedFile
  let byteCount: Int
  /// No other room of this process has it: its readers know by it what they have mapped already. Never 0.
  let number = lastNumber.add(1, ordering: .relaxed).newValue
  private let memory: UnsafeMutableRawPointer
  /// Of the payload in it; `nil`: who has it cannot say when he is done.
  private let loans = Mutex<[RoomLoan]?>([])

  private static let lastNumber = Atomic<UInt64>(0)

  /// Shorter payloads get a file of their own: that costs less than a room is worth.
  static let shortest = 1 << 20
  /// A longer payload gets a file of its own: a room that is kept is memory that nobody else has.
  static let longest = 96 << 20
  /// What is not needed for so long is given back.
  static let mostIdle = Duration.seconds(2)

  static func suits(_ byteCount: Int) -> Bool { byteCount >= shortest && byteCount <= longest }

  init(byteCount: Int) throws(MultiprocessingError) {
    let number = linux_memfd_create("millrace-room")
    if number < 0 { throw MultiprocessingError("memfd_create") }
    file = SharedFile(owning: number)
    self.byteCount = byteCount
    if ftruncate(number, off_t(byteCount)) != 0 { throw MultiprocessingError("making room for \(byteCount) bytes") }
    let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, number, 0)
    guard let mapped, mapped != MAP_FAILED else { throw MultiprocessingError("mapping \(byteCount) bytes") }
    memory = mapped
    if linux_memfd_seal_against_others(number) != 0 {
      let error = MultiprocessingError("sealing a payload's room")
      munmap(mapped, byteCount)
      throw error
    }
  }

  deinit { munmap(memory, byteCount) }

  /// Puts a payload in place of the one before. Only while the room is free.
  func fill<Failure: Error>(_ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
    precondition(isFree, "a room is filled while somebody looks at what is in it")
    loans.withLock { $0 = [] }
    try body(UnsafeMutableRawBufferPointer(start: memory, count: byteCount))
  }

  /// Somebody else gets the file, and will say on `loan` that he is done with it.
  ///
  /// After very many it is given away: who sends one payload again and again will not want to fill the room anew.
  func lend(_ loan: RoomLoan) {
    loans.withLock { loans in
      loans?.append(loan.of(number))
      if let count = loans?.count, count > Self.mostLoans { loans = nil }
    }
  }

  private static let mostLoans = 64

  /// Somebody gets the file who will say nothing.
  func giveAway() { loans.withLock { $0 = nil } }

  /// Whether all who got it are done.
  var isFree: Bool { loans.withLock { $0?.allSatisfy { $0.isReturned } ?? false } }
}

/// The word on a worker's ticket page by which the reader of a room tells its maker that it is done.
struct RoomLoan: Sendable {
  enum Direction { case argument, result }

  /// Keeps the page mapped; `nil` in a worker, whose page is never unmapped.
  let board: TicketBoard?
  let page: TicketPage
  let direction: Direction
  /// A number is given to one call of a pool, so what is left on a page by others means nothing.
  var call: UInt64
  /// The number of the room: rooms that are lent at the same time have words of their own.
  var room: UInt64 = 0

  func of(_ room: UInt64) -> RoomLoan {
    var loan = self
    loan.room = room
    return loan
  }

  var isReturned: Bool { page.lastReturned(direction, room: room) == call }
  func giveBack() { page.setLastReturned(direction, room: room, call) }
}
