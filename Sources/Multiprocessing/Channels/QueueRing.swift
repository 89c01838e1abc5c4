// The inside of a queue that processes share, at the level of bytes. Whatever process dies in whatever instruction, the others
// go on, and no item comes twice or in part. How:
//
// - A robust lock: the kernel takes it away from a holder that dies.
// - What is in the memory changes by single stores. An item is written where nobody looks, and is there when `put` is stored;
//   it is read, and is gone when `taken` is stored. Death before the store means that nothing happened, after it that all did.
//   So there is nothing to repair.
// - Who waits, waits for an eventfd, and whoever makes a change signals *before* the store: a death in between wakes the
//   waiters for nothing, they look and wait again. The other way round would leave them asleep beside an item.
// - Open files cannot be put in memory. They go through a socket pair, with a ticket that the item bears as well. A message
//   whose item was never stored, or was taken by one that died then, is stale: its ticket is passed over and it is dropped.
//
// The bound is exact, because it is the difference of two counters.

import CLinux
import Glibc
import Synchronization

final class QueueRing: @unchecked Sendable {
  // @unchecked: the pointers are constants, and what they point to is touched under the lock.
  private let region: SharedRegion
  private let mutex: RobustMutex
  private let words: UnsafeMutablePointer<Atomic<UInt64>>
  /// Readable while there may be an item for those who wait.
  let items: SharedFile
  /// Readable while there may be room for those who wait.
  let room: SharedFile
  private let carrier: QueueCarrier

  /// Items in the ring, each in a slot of its own; a slot's pages exist once it was used. Half of what a message may hold: above
  /// that, a memory file costs less than copying.
  static let slotBytes = 32 * 1024

  private enum Word: Int {
    /// Items ever put, and ever taken.
    case put, taken
    case isClosed
    /// Somebody waits, or did.
    case itemsWanted, roomWanted
    /// The last ticket given out.
    case ticket
  }

  init(capacity: Int) throws(MultiprocessingError) {
    // The first slot is for the counters.
    region = try SharedRegion(.init(.queue, stride: Self.slotBytes, count: capacity + 1))
    mutex = try RobustMutex(makingAt: region.base + SharedRegion.headerBytes, isRecursive: false)
    items = try Self.makeSignal()
    room = try Self.makeSignal()
    carrier = try QueueCarrier()
    words = region.elements.bindMemory(to: Atomic<UInt64>.self, capacity: 8)
  }

  /// A ring that another process made, by its ``files``.
  init(_ files: [SharedFile]) throws(MultiprocessingError) {
    precondition(files.count == 5, "a queue is five open files")
    region = try SharedRegion(files[0]) {
      $0.count > 1 && $0 == .init(.queue, stride: Self.slotBytes, count: $0.count)
    }
    mutex = RobustMutex(at: region.base + SharedRegion.headerBytes)
    items = files[1]
    room = files[2]
    carrier = QueueCarrier(sending: files[3], receiving: files[4])
    words = region.elements.bindMemory(to: Atomic<UInt64>.self, capacity: 8)
  }

  var files: [SharedFile] { [region.file, items, room] + carrier.files }

  var capacity: Int { region.layout.count - 1 }
  var count: Int { locked { Int(self[.put] - self[.taken]) } }
  var isClosed: Bool { locked { self[.isClosed] != 0 } }

  // MARK: - Putting and taking

  enum Putting {
    case put, full, closed
  }

  /// - Parameter waits: the caller will wait for ``room`` if there is none.
  func put(_ item: QueueItem, waits: Bool) throws(MultiprocessingError) -> Putting {
    try locked { () throws(MultiprocessingError) -> Putting in
      if self[.isClosed] != 0 { return .closed }
      guard self[.put] - self[.taken] < UInt64(capacity), let ticket = try send(item.files) else {
        if waits { waitLater(for: room, .roomWanted) }
        return .full
      }
      item.write(to: slot(self[.put]), ticket: ticket)
      signal(items, .itemsWanted)
      self[.put] += 1
      return .put
    }
  }

  enum Taking {
    case item(QueueItem)
    case empty
    /// Closed, and empty for ever.
    case ended
  }

  /// - Parameter waits: the caller will wait for ``items`` if there is none.
  func take(waits: Bool) throws(MultiprocessingError) -> Taking {
    try locked { () throws(MultiprocessingError) -> Taking in
      if self[.put] == self[.taken] {
        if self[.isClosed] != 0 { return .ended }
        if waits { waitLater(for: items, .itemsWanted) }
        return .empty
      }
      guard var item = QueueItem(readingFrom: slot(self[.taken])) else {
        throw MultiprocessingError("the memory of a queue was overwritten", code: 0)
      }
      // Taken out of the socket only when the item is gone: if there is no descriptor left for them, the item stays.
      if item.fileCount > 0 { item.files = try carrier.look(ticket: item.ticket, count: item.fileCount) }
      signal(room, .roomWanted)
      self[.taken] += 1
      if item.fileCount > 0 { carrier.drop(upTo: item.ticket) }
      return .item(item)
    }
  }

  /// Ends it: nothing more can be put, and who waits is told.
  func close() {
    locked {
      Self.raise(items)
      Self.raise(room)
      self[.isClosed] = 1
    }
  }

  // MARK: - Under the lock

  private func locked<Value, Failure: Error>(_ body: () throws(Failure) -> Value) throws(Failure) -> Value {
    // A holder that died left nothing half done: see above.
    _ = mutex.lock()
    defer { mutex.unlock() }
    return try body()
  }

  private subscript(word: Word) -> UInt64 {
    get { words[word.rawValue].load(ordering: .relaxed) }
    // Releasing: the compiler must not move it before what it makes visible, which a death in between would uncover.
    set { words[word.rawValue].store(newValue, ordering: .releasing) }
  }

  private func slot(_ number: UInt64) -> UnsafeMutableRawBufferPointer {
    let index = 1 + Int(number % UInt64(capacity))
    return UnsafeMutableRawBufferPointer(start: region.elements + index * Self.slotBytes, count: Self.slotBytes)
  }

  /// Sends an item's files ahead of it; their ticket, 0 if there are none, `nil` if the kernel will not hold more.
  private func send(_ files: [SharedFile]) throws(MultiprocessingError) -> UInt64? {
    if files.isEmpty { return 0 }
    self[.ticket] += 1
    let ticket = self[.ticket]
    if try carrier.send(files, ticket: ticket) { return ticket }
    // What those who died left there may be all that fills it.
    carrier.drop(upTo: oldestLiveTicket(or: ticket) - 1)
    return try carrier.send(files, ticket: ticket) ? ticket : nil
  }

  private func oldestLiveTicket(or none: UInt64) -> UInt64 {
    for number in self[.taken]..<self[.put] {
      if let item = QueueItem(readingFrom: slot(number)), item.fileCount > 0 { return item.ticket }
    }
    return none
  }

  // MARK: - Waiting

  private func waitLater(for signal: SharedFile, _ wanted: Word) {
    // In this order: a death in between leaves a signal that is on, which costs a look.
    self[wanted] = 1
    var count: UInt64 = 0
    _ = read(signal.descriptor, &count, MemoryLayout<UInt64>.size)
  }

  private func signal(_ signal: SharedFile, _ wanted: Word) {
    if self[wanted] == 0 { return }
    Self.raise(signal)
    self[wanted] = 0
  }

  private static func raise(_ signal: SharedFile) {
    var one: UInt64 = 1
    // EAGAIN means that the counter is full: it is readable already.
    _ = write(signal.descriptor, &one, MemoryLayout<UInt64>.size)
  }

  private static func makeSignal() throws(MultiprocessingError) -> SharedFile {
    let number = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    if number < 0 { throw MultiprocessingError("eventfd") }
    return SharedFile(owning: number)
  }
}
