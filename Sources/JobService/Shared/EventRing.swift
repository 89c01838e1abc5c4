// The latest events of all jobs, in one order that all acceptors agree on.
//
// Every acceptor writes and every acceptor reads. A writer takes the next number, fills that number's entry and stamps it
// last; no lock, so a writer that is killed half way leaves one entry without its stamp, which readers skip after a moment.
// A checksum tells an entry that two writers filled at once: one of them had slept for a whole lap of the ring.

import JobModel

struct EventRing: Sendable {
  static let capacity = 8192
  private static let wordsAnEntry = 32
  private static let headerWords = 16
  /// Two words of bits, one a seat.
  private static let seatLimit = 128
  static let wordCount = headerWords + capacity * wordsAnEntry + seatLimit

  private enum Header { static let last = 0, epoch = 1, watching = 2 }
  /// Where an entry has what. The fields from `kind` on are covered by the checksum, with the entry's number.
  private enum Entry { static let stamp = 0, checksum = 1, fields = 2 }
  /// The fields of every event; those of a progress with a message go on with its length and its bytes.
  private enum Field {
    static let kind = 0, high = 1, low = 2, revision = 3, first = 4, second = 5, length = 6, text = 7
  }
  /// Longer messages of progress are cut; the job itself shows them whole.
  static let textLimitBytes = (wordsAnEntry - Entry.fields - Field.text) * 8

  private let header: SharedWords
  private let entries: SharedWords
  private let wakes: SharedWords

  /// - Parameter words: zeroed, ``wordCount`` of them.
  init(_ words: SharedWords) {
    header = words.slice(0, Self.headerWords)
    entries = words.slice(Self.headerWords, Self.capacity * Self.wordsAnEntry)
    wakes = words.slice(Self.headerWords + Self.capacity * Self.wordsAnEntry, Self.seatLimit)
  }

  /// Tells this server's numbers from those of the one before. Called in the master, before the first fork.
  func begin(epoch: UInt64) { header.store(Header.epoch, epoch) }
  var epoch: UInt64 { header.load(Header.epoch) }

  /// The number that the next event gets; the first is 1.
  var head: UInt64 { header.load(Header.last) + 1 }

  // MARK: - Writing

  func post(_ event: JobEvent) {
    switch event.what {
    case .state(let state, let attempt):
      post(event, .state, UInt64(JobState.allCases.firstIndex(of: state) ?? 0), UInt64(attempt))
    case .progress(let progress):
      post(
        event, progress.message == nil ? .progress : .progressWithMessage,
        UInt64(bitPattern: Int64(progress.completed)), UInt64(bitPattern: progress.total.map(Int64.init) ?? .min),
        message: progress.message.map { Self.words(Self.cut($0)) } ?? [])
    }
  }

  /// Every change of every job comes by here, so nothing is allocated for it.
  private func post(_ event: JobEvent, _ kind: Kind, _ first: UInt64, _ second: UInt64, message: [UInt64] = []) {
    let number = header.advance(Header.last)
    let entry = entry(number)
    entry.store(Entry.stamp, 0)
    var place = Entry.fields
    var sum = Checksum(number)
    func put(_ word: UInt64) {
      entry.store(place, word)
      sum.add(word)
      place += 1
    }
    put(kind.rawValue)
    put(event.id.high)
    put(event.id.low)
    put(UInt64(event.revision))
    put(first)
    put(second)
    for word in message { put(word) }
    entry.store(Entry.checksum, sum.value)
    entry.store(Entry.stamp, number)
  }

  private enum Kind: UInt64 { case state = 1, progress, progressWithMessage }

  private func entry(_ number: UInt64) -> SharedWords {
    entries.slice(Int(number % UInt64(Self.capacity)) * Self.wordsAnEntry, Self.wordsAnEntry)
  }

  /// The bytes' count, and the bytes.
  private static func words(_ bytes: [UInt8]) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: 1 + (bytes.count + 7) / 8)
    words[0] = UInt64(bytes.count)
    for (place, byte) in bytes.enumerated() { words[1 + place / 8] |= UInt64(byte) << UInt64(place % 8 * 8) }
    return words
  }

  /// Whole characters of the message, with an ellipsis where some are left out.
  private static func cut(_ message: String) -> [UInt8] {
    if message.utf8.count <= textLimitBytes { return Array(message.utf8) }
    let ellipsis = "…"
    var kept = 0
    for character in message {
      if kept + character.utf8.count + ellipsis.utf8.count > textLimitBytes { break }
      kept += character.utf8.count
    }
    return Array(message.utf8.prefix(kept)) + Array(ellipsis.utf8)
  }

  /// FNV-1a, a word at a time.
  private struct Checksum {
    private(set) var value: UInt64

    init(_ number: UInt64) { value = 0xcbf2_9ce4_8422_2325 ^ number }

    mutating func add(_ word: UInt64) { value = (value ^ word) &* 0x100_0000_01b3 }
  }

  private static func checksum(_ number: UInt64, _ fields: [UInt64]) -> UInt64 {
    var sum = Checksum(number)
    for word in fields { sum.add(word) }
    return sum.value
  }

  // MARK: - Reading

  enum Look: Equatable {
    case event(JobEvent)
    /// Its writer is not done, or died at it.
    case notReady
    /// It cannot be read any more, or never could.
    case gone
  }

  /// The oldest number that may still be read, with some room to the writers.
  var oldest: UInt64 { head > UInt64(Self.readable) ? head - UInt64(Self.readable) : 1 }
  private static let readable = capacity - 64

  func look(at number: UInt64) -> Look {
    let entry = entry(number)
    let stamp = entry.load(Entry.stamp)
    if stamp < number { return .notReady }
    if stamp > number { return .gone }
    guard let kind = Kind(rawValue: entry.load(Entry.fields)) else { return .gone }
    var fields = (0..<Field.length).map { entry.load(Entry.fields + $0) }
    var message: [UInt8]?
    if kind == .progressWithMessage {
      let length = Int(clamping: entry.load(Entry.fields + Field.length))
      guard length <= Self.textLimitBytes else { return .gone }
      let text = (0..<((length + 7) / 8)).map { entry.load(Entry.fields + Field.text + $0) }
      fields.append(UInt64(length))
      fields += text
      message = (0..<length).map { UInt8(truncatingIfNeeded: text[$0 / 8] >> UInt64($0 % 8 * 8)) }
    }
    guard entry.load(Entry.checksum) == Self.checksum(number, fields) else { return .gone }
    let id = JobID(high: fields[Field.high], low: fields[Field.low])
    let revision = Int(truncatingIfNeeded: fields[Field.revision])
    let (first, second) = (fields[Field.first], fields[Field.second])
    if kind == .state {
      guard JobState.allCases.indices.contains(Int(clamping: first)) else { return .gone }
      let state = JobState.allCases[Int(first)]
      return .event(JobEvent(id: id, revision: revision, .state(state, attempt: Int(truncatingIfNeeded: second))))
    }
    let total = Int64(bitPattern: second)
    let progress = JobProgress(
      completed: Int(Int64(bitPattern: first)), total: total == .min ? nil : Int(total),
      message: message.map { String(decoding: $0, as: UTF8.self) })
    return .event(JobEvent(id: id, revision: revision, .progress(progress)))
  }

  // MARK: - Who watches

  func setWatching(_ isWatching: Bool, seat: Int) {
    let word = Header.watching + seat / 64
    let bit = UInt64(1) << UInt64(seat % 64)
    if isWatching { header.insert(bit, at: word) } else { header.remove(bit, at: word) }
    wakes.store(seat, 0)
  }

  /// The seats, but for `poster`, that watch and have not been woken since they last began to read; they count as woken
  /// from now on.
  func seatsToWake(poster: Int) -> [Int] {
    var seats: [Int] = []
    for word in 0..<(Self.seatLimit / 64) {
      var bits = header.load(Header.watching + word)
      while bits != 0 {
        let seat = word * 64 + bits.trailingZeroBitCount
        bits &= bits - 1
        if seat != poster, wakes.exchange(seat, 1) == 0 { seats.append(seat) }
      }
    }
    return seats
  }

  /// Called by a seat before it reads: who posts from now on wakes it again.
  func beginsToRead(seat: Int) { wakes.store(seat, 0) }
}
