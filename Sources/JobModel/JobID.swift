/// A job's identifier: a UUID of version 7 (RFC 9562, section 5.7), made by a ``JobIDIssuer``.
public struct JobID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let high: UInt64
  public let low: UInt64

  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads the canonical text: 36 characters, hexadecimal digits of either case, hyphens in their places.
  public init?(_ text: some StringProtocol) {
    var text = String(text)
    guard let id = text.withUTF8({ JobID(utf8: $0) }) else { return nil }
    self = id
  }

  /// The same from the text's bytes. Not generic: it reads every poll's path.
  public init?(utf8 text: UnsafeBufferPointer<UInt8>) {
    guard text.count == 36 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    var digits = 0
    var position = 0
    for byte in text {
      if position == 8 || position == 13 || position == 18 || position == 23 {
        guard byte == UInt8(ascii: "-") else { return nil }
      } else {
        let nibble: UInt64
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): nibble = UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): nibble = UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): nibble = UInt64(byte - UInt8(ascii: "A") + 10)
        default: return nil
        }
        if digits < 16 { high = high << 4 | nibble } else { low = low << 4 | nibble }
        digits += 1
      }
      position += 1
    }
    self.init(high: high, low: low)
  }

  /// Sixteen bytes, most significant first: their order is the order of creation.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for (index, byte) in bytes.enumerated() {
      if index < 8 { high = high << 8 | UInt64(byte) } else { low = low << 8 | UInt64(byte) }
    }
    self.init(high: high, low: low)
  }

  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    for word in [high, low] {
      for shift in stride(from: UInt64(56), through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    return bytes
  }

  /// Milliseconds since 1970, the first 48 bits.
  public var milliseconds: UInt64 { high >> 16 }

  public static func < (a: JobID, b: JobID) -> Bool { (a.high, a.low) < (b.high, b.low) }

  public var description: String {
    String(unsafeUninitializedCapacity: 36) { buffer in
      write(into: buffer)
      return 36
    }
  }

  /// Appends the canonical text, in lower case.
  public func append(to bytes: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { buffer in
      write(into: buffer)
      bytes.append(contentsOf: buffer)
    }
  }

  private func write(into buffer: UnsafeMutableBufferPointer<UInt8>) {
    var position = 0
    for digit in 0..<32 {
      if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
        buffer[position] = UInt8(ascii: "-")
        position += 1
      }
      let word = digit < 16 ? high : low
      let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - 4 * (digit & 15))) & 15
      buffer[position] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
      position += 1
    }
  }
}
