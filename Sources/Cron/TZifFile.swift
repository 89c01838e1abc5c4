/// Reads a compiled time zone (RFC 8536). The bytes may be anything.
enum TZifFile {
  /// `nil` where the bytes are no time zone, or one that counts leap seconds, which Unix time does not.
  static func rules(_ bytes: [UInt8]) -> TimeZoneRules? {
    guard let first = Header(bytes, at: 0) else { return nil }
    if first.version == 0 { return block(bytes, first, timeSize: 4).flatMap { rules($0, footer: nil) } }
    // The first block is for readers of the first version; the second has 64-bit times, and the footer follows it.
    guard let second = Header(bytes, at: first.end(timeSize: 4)) else { return nil }
    let end = second.end(timeSize: 8)
    guard let block = block(bytes, second, timeSize: 8), end < bytes.count, bytes[end] == 0x0a,
      let newline = bytes[(end + 1)...].firstIndex(of: 0x0a)
    else { return nil }
    return rules(block, footer: String(decoding: bytes[(end + 1)..<newline], as: UTF8.self))
  }

  private struct Block {
    var firstOffset: Int64
    var transitions: [TimeZoneRules.Transition]
  }

  private static func rules(_ block: Block, footer: String?) -> TimeZoneRules? {
    var rule: PosixZone?
    if let footer, !footer.isEmpty {
      guard let zone = PosixZone(footer) else { return nil }
      rule = zone
    }
    return TimeZoneRules(firstOffset: block.firstOffset, transitions: block.transitions, rule: rule)
  }

  /// Section 3.1.
  private struct Header {
    let version: UInt8
    let start: Int
    let (isUTCount, isStandardCount, leapCount, timeCount, typeCount, nameBytes): (Int, Int, Int, Int, Int, Int)

    static let size = 44

    init?(_ bytes: [UInt8], at start: Int) {
      guard start + Self.size <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
      version = bytes[start + 4]
      self.start = start
      let counts = (0..<6).map { Int(TZifFile.number(bytes, at: start + 20 + 4 * $0, size: 4)) }
      // No count can exceed the file, and negative ones stand for more than 2³¹.
      guard counts.allSatisfy({ (0...bytes.count).contains($0) }) else { return nil }
      (isUTCount, isStandardCount, leapCount, timeCount, typeCount, nameBytes) =
        (counts[0], counts[1], counts[2], counts[3], counts[4], counts[5])
    }

    func end(timeSize: Int) -> Int {
      start + Self.size + timeCount * (timeSize + 1) + typeCount * 6 + nameBytes + leapCount * (timeSize + 4)
        + isStandardCount + isUTCount
    }
  }

  /// Section 3.2.
  private static func block(_ bytes: [UInt8], _ header: Header, timeSize: Int) -> Block? {
    guard header.end(timeSize: timeSize) <= bytes.count, header.typeCount > 0, header.leapCount == 0 else { return nil }
    let times = header.start + Header.size
    let typesOfTimes = times + header.timeCount * timeSize
    let types = typesOfTimes + header.timeCount
    let offsets = (0..<header.typeCount).map { number(bytes, at: types + 6 * $0, size: 4) }
    guard offsets.allSatisfy({ (-89_999...93_599).contains($0) }) else { return nil }
    var transitions: [TimeZoneRules.Transition] = []
    transitions.reserveCapacity(header.timeCount)
    for index in 0..<header.timeCount {
      let at = number(bytes, at: times + index * timeSize, size: timeSize)
      let type = Int(bytes[typesOfTimes + index])
      guard type < offsets.count, transitions.last.map({ $0.at < at }) ?? true else { return nil }
      transitions.append(.init(at: at, offset: offsets[type]))
    }
    // The type of local time before the first transition is the first one.
    return Block(firstOffset: offsets[0], transitions: transitions)
  }

  /// A signed number, most significant byte first.
  private static func number(_ bytes: [UInt8], at start: Int, size: Int) -> Int64 {
    let bits = bytes[start..<start + size].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    return size == 4 ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
  }
}
