import CLinux
import Glibc
import Synchronization

/// Which of the calls given to workers have begun, and what those answer that have ended: memory that a pool shares with its
/// workers, one page for each.
///
/// A call goes to a worker with a ticket. The worker takes the ticket when it begins the call; the pool takes it back to
/// give the call to somebody else. One of the two succeeds, whatever happens in between, and it stays so after the worker
/// is dead. So a call runs at most once, and the pool knows which calls a dead worker had begun.
///
/// A page holds no lock. A worker whose memory is overwritten can spoil its own page only, and the pool believes nothing in
/// it but which of that worker's own calls began.
final class TicketBoard: @unchecked Sendable {
  // @unchecked: the memory is accessed by atomics only, and stays mapped as long as the object lives.
  let file: SharedFile
  /// An eventfd: written by a worker that has answered while the pool sleeps.
  let bell: SharedFile
  private let memory: UnsafeMutableRawPointer

  /// Workers of one pool. Only pages that are used take memory.
  static let mostWorkers = 2048
  /// Two for each: the workers of a fork server that died may live a moment longer than it, and must not find on their page
  /// what is meant for those of the next.
  static let pageCount = 2 * mostWorkers
  private static let byteCount = pageCount * TicketPage.byteCount

  /// Makes a board, before the fork of those who share it.
  convenience init() throws(MultiprocessingError) {
    let number = linux_memfd_create("millrace-tickets")
    if number < 0 { throw MultiprocessingError("memfd_create") }
    let file = SharedFile(owning: number)
    if ftruncate(number, off_t(Self.byteCount)) != 0 { throw MultiprocessingError("ftruncate of a ticket board") }
    let bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    if bell < 0 { throw MultiprocessingError("eventfd") }
    try self.init(file, bell: SharedFile(owning: bell))
  }

  /// Maps the board that `file` is.
  init(_ file: SharedFile, bell: SharedFile) throws(MultiprocessingError) {
    let mapped = mmap(nil, Self.byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
    guard let mapped, mapped != MAP_FAILED else { throw MultiprocessingError("mmap of a ticket board") }
    self.file = file
    self.bell = bell
    memory = mapped
  }

  deinit { munmap(memory, Self.byteCount) }

  func page(_ index: Int) -> TicketPage {
    precondition(index >= 0 && index < Self.pageCount, "there is no such page on a ticket board")
    return TicketPage(memory + index * TicketPage.byteCount)
  }

  /// In a worker: gives up every page but its own.
  func keepOnly(_ index: Int) -> TicketPage {
    // Never let go of: the page is needed until the worker's last moment.
    _ = Unmanaged.passRetained(self)
    let page = page(index)
    let before = index * TicketPage.byteCount
    let after = before + TicketPage.byteCount
    if before > 0 { munmap(memory, before) }
    if after < Self.byteCount { munmap(memory + after, Self.byteCount - after) }
    return page
  }
}

/// The tickets of one worker.
struct TicketPage: @unchecked Sendable {
  // @unchecked: see TicketBoard, which outlives it.
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  /// Behind the words.
  let answers: AnswerRing

  /// Of the kernel's pages, only those that are touched take memory.
  static let byteCount = 20 * 1024
  private static let wordBytes = 1024
  /// Calls that one worker may have at a time.
  static let count = 64

  init(_ memory: UnsafeMutableRawPointer) {
    // Zeroed memory is a valid Atomic<UInt64>: it has the size, alignment and layout of a UInt64.
    words = memory.bindMemory(to: Atomic<UInt64>.self, capacity: Self.wordBytes / 8)
    answers = AnswerRing(memory + Self.wordBytes)
  }

  /// The pool offers a call. A number is offered once, so a word of 0 is nobody's.
  func offer(_ call: UInt64, at position: Int) { word(position).pointee.store(call << 1, ordering: .releasing) }

  /// The worker begins the call; false: it was taken back.
  func take(_ call: UInt64, at position: Int) -> Bool {
    word(position).pointee
      .compareExchange(expected: call << 1, desired: call << 1 | 1, ordering: .acquiringAndReleasing).exchanged
  }

  /// The pool takes the call back; false: the worker has begun it.
  func takeBack(_ call: UInt64, at position: Int) -> Bool {
    word(position).pointee
      .compareExchange(expected: call << 1, desired: 0, ordering: .acquiringAndReleasing).exchanged
  }

  private func word(_ position: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    precondition(position >= 0 && position < Self.count, "there is no such ticket")
    return words + position
  }

  // MARK: - Beside the tickets

  private enum Extra: Int, CaseIterable {
    case cpuBefore, messages, spin
  }

  /// CPU time of the worker before the call it runs, in nanoseconds; for when it dies under it.
  var cpuBefore: UInt64 {
    get { self[.cpuBefore] }
    nonmutating set { self[.cpuBefore] = newValue }
  }

  /// Messages sent to the worker: who spins sees that one is there to be received.
  var messages: UInt64 {
    get { self[.messages] }
    nonmutating set { self[.messages] = newValue }
  }

  /// How long the worker looks for its next call before it sleeps, in nanoseconds.
  var spin: UInt64 {
    get { self[.spin] }
    nonmutating set { self[.spin] = newValue }
  }

  /// The last call whose argument, or result, its reader has let go of: see ``PayloadRoom``. Each word has one writer: an argument's
  /// the worker, a result's the pool.
  func lastReturned(_ direction: RoomLoan.Direction, room: UInt64) -> UInt64 {
    words[loanPosition(direction, room)].load(ordering: .acquiring)
  }

  func setLastReturned(_ direction: RoomLoan.Direction, room: UInt64, _ call: UInt64) {
    words[loanPosition(direction, room)].store(call, ordering: .releasing)
  }

  /// Rooms that share a word by chance may seem to be lent when they are not any more, never the other way round.
  private static let loanWords = 8

  /// Behind the extra words: those of arguments, then those of results.
  private func loanPosition(_ direction: RoomLoan.Direction, _ room: UInt64) -> Int {
    let first = Self.count + Extra.allCases.count + (direction == .argument ? 0 : Self.loanWords)
    return first + Int(room % UInt64(Self.loanWords))
  }

  private subscript(extra: Extra) -> UInt64 {
    get { words[Self.count + extra.rawValue].load(ordering: .acquiring) }
    nonmutating set { words[Self.count + extra.rawValue].store(newValue, ordering: .releasing) }
  }

  /// For the worker that gets the page next.
  func clear() {
    let count = Self.count + Extra.allCases.count + 2 * Self.loanWords
    for index in 0..<count { words[index].store(0, ordering: .relaxed) }
    answers.clear()
  }
}
