// What the escapes of a scanned string stand for.

enum Unescaping {
  /// Gives each byte of the unescaped UTF-8 of `body` to `emit`. `body` is what stands between the quotes of a string
  /// that was scanned, so every escape is known to be whole.
  static func forEachByte(of body: UnsafeBufferPointer<UInt8>, _ emit: (UInt8) -> Void) {
    var at = 0
    while at < body.count {
      guard body[at] == UInt8(ascii: "\\") else {
        emit(body[at])
        at += 1
        continue
      }
      let escape = body[at + 1]
      if escape == UInt8(ascii: "u") {
        let (scalar, length) = unicodeEscape(in: body, at: at)
        for byte in UTF8.encode(scalar).unsafelyUnwrapped { emit(byte) }
        at += length
      } else {
        emit(shortEscape(escape))
        at += 2
      }
    }
  }

  static func bytes(of body: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    // No escape is shorter than what it stands for.
    [UInt8](unsafeUninitializedCapacity: body.count) { buffer, count in
      var written = 0
      forEachByte(of: body) { byte in
        buffer.initializeElement(at: written, to: byte)
        written += 1
      }
      count = written
    }
  }

  private static func shortEscape(_ letter: UInt8) -> UInt8 {
    switch letter {
    case UInt8(ascii: "b"): 0x08
    case UInt8(ascii: "f"): 0x0C
    case UInt8(ascii: "n"): 0x0A
    case UInt8(ascii: "r"): 0x0D
    case UInt8(ascii: "t"): 0x09
    default: letter  // quote, backslash and slash stand for themselves
    }
  }

  /// The scalar of the escape at `at`, and how many bytes it takes: 6, or 12 for a pair of surrogates.
  private static func unicodeEscape(in body: UnsafeBufferPointer<UInt8>, at: Int) -> (Unicode.Scalar, Int) {
    guard let unit = UInt16(hexEscapeIn: body, at: at) else { preconditionFailure("the scan let a bad escape pass") }
    if let scalar = Unicode.Scalar(unit) { return (scalar, 6) }
    guard let low = UInt16(hexEscapeIn: body, at: at + 6),
      let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) & 0x3FF) << 10 + UInt32(low) & 0x3FF)
    else { preconditionFailure("the scan let a lone surrogate pass") }
    return (scalar, 12)
  }
}

extension UInt16 {
  /// The number of the `\uXXXX` at `offset`; `nil` if that is not what stands there.
  init?(hexEscapeIn text: UnsafeBufferPointer<UInt8>, at offset: Int) {
    guard offset + 6 <= text.count else { return nil }
    var unit: UInt16 = 0
    for byte in text[offset + 2..<offset + 6] {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): unit = unit << 4 | UInt16(byte - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    self = unit
  }
}
