/// The handlers that metrics tell apart, by a number that is the same in all processes and generations.
///
/// Written by the master alone, before it forks; never rewritten, so a number keeps its meaning while the server lives.
struct HandlerNames: Sendable {
  /// More handlers than these share the last number.
  static let capacity = 64
  private static let wordsAName = 9
  static let wordCount = 1 + capacity * wordsAName
  static let others = "(others)"

  private let words: SharedWords

  init(_ words: SharedWords) { self.words = words }

  /// Adds those that are not there yet. Called in the master only.
  func add(_ names: [String]) {
    let known = Set(all)
    for name in names where !known.contains(name) {
      let count = Int(words.load(0))
      guard count < Self.capacity - 1 else { return }
      let bytes = Array(name.utf8.prefix((Self.wordsAName - 1) * 8))
      let start = 1 + count * Self.wordsAName
      for (place, chunk) in stride(from: 0, to: bytes.count, by: 8).enumerated() {
        var word: UInt64 = 0
        for (shift, byte) in bytes[chunk..<min(chunk + 8, bytes.count)].enumerated() {
          word |= UInt64(byte) << UInt64(shift * 8)
        }
        words.store(start + 1 + place, word)
      }
      words.store(start, UInt64(bytes.count))
      words.store(0, UInt64(count + 1))
    }
  }

  /// In the order of their numbers.
  var all: [String] {
    (0..<Int(words.load(0))).map { index in
      let start = 1 + index * Self.wordsAName
      let count = min(Int(words.load(start)), (Self.wordsAName - 1) * 8)
      let bytes = (0..<count).map { UInt8(truncatingIfNeeded: words.load(start + 1 + $0 / 8) >> UInt64($0 % 8 * 8)) }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
