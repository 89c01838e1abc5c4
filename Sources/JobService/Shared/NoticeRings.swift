// How acceptors tell one another that something happened.
//
// Every seat has two rings that only its own acceptor writes and all others read, each with its own cursor: no lock, and
// nothing that a killed writer could leave half done (an entry counts from the moment the head moves past it). A reader
// that was too slow notices that it was lapped, and then asks the store instead.

import JobModel

/// Something another acceptor may have to act on.
enum Notice: Sendable, Equatable {
  /// The row of this job changed.
  case changed(JobID)
  /// This job was asked to stop.
  case cancel(JobID)
  /// A job is due at this time.
  case scheduled(Timestamp)
  /// A queue was paused.
  case paused
  /// A schedule was written or removed.
  case schedulesChanged
}

/// What a seat read from the others' rings.
struct NoticeBatch: Sendable, Equatable {
  var notices: [Notice] = []
  /// Changes were missed: whatever is waited for has to be looked up.
  var missedChanges = false
  /// Requests to stop, or due times, were missed.
  var missedControls = false
}

struct NoticeRings: Sendable {
  private static let wordsAnEntry = 4
  private static let changeCapacity = 4096
  private static let controlCapacity = 512
  private static let ringWords = (changeCapacity + controlCapacity) * wordsAnEntry + 16
  static func wordCount(seats: Int) -> Int { seats * ringWords }

  private struct Ring {
    let words: SharedWords
    let head: Int
    let start: Int
    let capacity: Int
  }

  private let words: SharedWords
  let seats: Int

  init(_ words: SharedWords, seats: Int) {
    self.words = words
    self.seats = seats
  }

  private func ring(_ seat: Int, controls: Bool) -> Ring {
    let mine = words.slice(seat * Self.ringWords, Self.ringWords)
    return controls
      ? Ring(words: mine, head: 8, start: 16 + Self.changeCapacity * Self.wordsAnEntry, capacity: Self.controlCapacity)
      : Ring(words: mine, head: 0, start: 16, capacity: Self.changeCapacity)
  }

  /// Called only by the acceptor that sits in `seat`.
  func post(_ notice: Notice, from seat: Int) {
    let (kind, high, low): (UInt64, UInt64, UInt64) =
      switch notice {
      case .changed(let id): (1, id.high, id.low)
      case .cancel(let id): (2, id.high, id.low)
      case .scheduled(let due): (4, UInt64(bitPattern: due.microseconds), 0)
      case .paused: (5, 0, 0)
      case .schedulesChanged: (6, 0, 0)
      }
    let ring = ring(seat, controls: kind != 1)
    let head = ring.words.load(ring.head)
    let entry = ring.start + Int(head % UInt64(ring.capacity)) * Self.wordsAnEntry
    ring.words.store(entry, kind)
    ring.words.store(entry + 1, high)
    ring.words.store(entry + 2, low)
    ring.words.store(ring.head, head + 1)
  }

  /// One reader's place in every ring.
  struct Cursors: Sendable {
    fileprivate var changes: [UInt64]
    fileprivate var controls: [UInt64]
  }

  /// Cursors at the present end of every ring.
  func cursors() -> Cursors {
    Cursors(
      changes: (0..<seats).map { ring($0, controls: false) }.map { $0.words.load($0.head) },
      controls: (0..<seats).map { ring($0, controls: true) }.map { $0.words.load($0.head) })
  }

  /// Skips the changes so far: what a reader does that has nothing to wait for.
  func skipChanges(_ cursors: inout Cursors) {
    for seat in 0..<seats {
      let ring = ring(seat, controls: false)
      cursors.changes[seat] = ring.words.load(ring.head)
    }
  }

  /// What the other seats posted since the last read.
  func read(_ cursors: inout Cursors, as reader: Int) -> NoticeBatch {
    var batch = NoticeBatch()
    for seat in 0..<seats where seat != reader {
      let missedChanges = read(ring(seat, controls: false), &cursors.changes[seat], into: &batch.notices)
      let missedControls = read(ring(seat, controls: true), &cursors.controls[seat], into: &batch.notices)
      batch.missedChanges = batch.missedChanges || missedChanges
      batch.missedControls = batch.missedControls || missedControls
    }
    return batch
  }

  /// Returns whether entries were missed.
  private func read(_ ring: Ring, _ cursor: inout UInt64, into notices: inout [Notice]) -> Bool {
    let head = ring.words.load(ring.head)
    if cursor == head { return false }
    guard head >= cursor, head - cursor <= UInt64(ring.capacity) else {
      cursor = head
      return true
    }
    let first = notices.count
    for index in cursor..<head {
      let entry = ring.start + Int(index % UInt64(ring.capacity)) * Self.wordsAnEntry
      let high = ring.words.load(entry + 1)
      let low = ring.words.load(entry + 2)
      switch ring.words.load(entry) {
      case 1: notices.append(.changed(JobID(high: high, low: low)))
      case 2: notices.append(.cancel(JobID(high: high, low: low)))
      case 5: notices.append(.paused)
      case 6: notices.append(.schedulesChanged)
      default: notices.append(.scheduled(Timestamp(microseconds: Int64(bitPattern: high))))
      }
    }
    let oldest = cursor
    cursor = head
    // The writer writes an entry before it moves the head: if it came within one entry of lapping us, what was read may
    // be torn.
    let now = ring.words.load(ring.head)
    if now - oldest >= UInt64(ring.capacity) {
      notices.removeSubrange(first...)
      cursor = now
      return true
    }
    return false
  }
}
