/// Writes compact JSON, front to back, into one array of bytes.
///
///     var writer = JSONWriter()
///     writer.beginObject()
///     writer.key("count")
///     writer.int(78498)
///     writer.endObject()
///     return writer.bytes
///
/// Commas come by themselves. That a key stands before each member's value, and that what is begun is ended, is up to the
/// caller: the writer keeps no stack.
public struct JSONWriter: Sendable {
  /// What has been written so far.
  public private(set) var bytes: [UInt8] = []
  /// Something stands before what is written next, in the same container.
  private var needsComma = false

  public init(reservingBytes capacity: Int = 256) { bytes.reserveCapacity(capacity) }

  public mutating func beginObject() { begin(UInt8(ascii: "{")) }
  public mutating func endObject() { end(UInt8(ascii: "}")) }
  public mutating func beginArray() { begin(UInt8(ascii: "[")) }
  public mutating func endArray() { end(UInt8(ascii: "]")) }

  /// The key of the member whose value is written next. The name is copied as it is: it must need no escape.
  public mutating func key(_ name: StaticString) {
    separate()
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
    bytes.append(UInt8(ascii: "\""))
    endKey()
  }

  /// The key of the member whose value is written next, whatever it holds.
  public mutating func key(named name: String) {
    separate()
    appendQuoted(name)
    endKey()
  }

  public mutating func string(_ value: String) {
    separate()
    appendQuoted(value)
  }

  public mutating func int(_ value: some FixedWidthInteger) {
    separate()
    appendDigits(value)
  }

  /// The shortest decimal that reads back as the same value; whole numbers without a fraction. Must be finite: JSON has
  /// no word for what is not.
  public mutating func double(_ value: Double) {
    precondition(value.isFinite, "JSON has neither NaN nor Infinity")
    separate()
    // Up to 2^53 every whole Double is its own neighbour's distance away, so the integer is the shortest form.
    if value.rounded() == value, value.magnitude <= 0x1p53, value != 0 || value.sign == .plus {
      appendDigits(Int(value))
    } else {
      bytes.append(contentsOf: value.description.utf8)
    }
  }

  public mutating func bool(_ value: Bool) {
    separate()
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  public mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  /// A value that is JSON text already; it is copied as it is.
  public mutating func raw(_ text: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: text)
  }

  // MARK: Pieces

  private mutating func begin(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func end(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(UInt8(ascii: ",")) }
    needsComma = true
  }

  private mutating func endKey() {
    bytes.append(UInt8(ascii: ":"))
    needsComma = false
  }

  private mutating func appendDigits(_ value: some FixedWidthInteger) {
    if value < 0 { bytes.append(UInt8(ascii: "-")) }
    let start = bytes.count
    var rest = value.magnitude
    repeat {
      let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit))
      rest = quotient
    } while rest != 0
    bytes[start...].reverse()
  }

  private mutating func appendQuoted(_ value: String) {
    bytes.append(UInt8(ascii: "\""))
    var value = value
    value.withUTF8 { utf8 in
      var copied = 0
      for at in utf8.indices where utf8[at] < 0x20 || utf8[at] == UInt8(ascii: "\"") || utf8[at] == UInt8(ascii: "\\") {
        bytes.append(contentsOf: utf8[copied..<at])
        appendEscape(of: utf8[at])
        copied = at + 1
      }
      bytes.append(contentsOf: utf8[copied...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func appendEscape(of byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    case ..<0x20:
      let digits = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: [
        UInt8(ascii: "u"), UInt8(ascii: "0"), UInt8(ascii: "0"), digits[Int(byte >> 4)], digits[Int(byte & 15)],
      ])
    default: bytes.append(byte)
    }
  }
}
