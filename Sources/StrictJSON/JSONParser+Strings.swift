// Strings: their bytes are checked here, and unescaped only when asked for (Unescaping.swift).

extension JSONParser {
  /// Scans the string whose opening quote is at `position`.
  mutating func scanString() throws(JSONRefusal) {
    let start = position
    var hasEscapes = false
    position += 1
    while true {
      skipPlainBytes()
      guard position < text.count else {
        throw JSONRefusal(offset: start, detail: "the text ends inside the string that begins here")
      }
      switch text[position] {
      case UInt8(ascii: "\""):
        position += 1
        append(.string, from: start, hasEscapes: hasEscapes)
        return
      case UInt8(ascii: "\\"):
        hasEscapes = true
        try skipEscape()
      case 0x80...: try skipMultibyteScalar()
      case let byte:
        throw refusal("a string holds a control character (0x\(hex(byte))); write it as \\u00\(hex(byte))")
      }
    }
  }

  /// Skips what needs no look: ASCII but for quote, backslash and control characters. Eight bytes at a time, by the
  /// arithmetic of "Bit Twiddling Hacks" (Sean Eron Anderson), "Determine if a word has a byte less than n": a borrow
  /// may mark a harmless byte, but only above one that is rightly marked.
  private mutating func skipPlainBytes() {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highBits: UInt64 = 0x8080_8080_8080_8080
    var at = position
    while at + 8 <= text.count {
      let word = UnsafeRawPointer(text.baseAddress! + at).loadUnaligned(as: UInt64.self)
      let quotes = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
      let backslashes = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
      let stops = word | (word &- ones &* 0x20) | (quotes &- ones) | (backslashes &- ones)
      if stops & highBits != 0 { break }
      at += 8
    }
    while at < text.count {
      let byte = text[at]
      if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
      at += 1
    }
    position = at
  }

  private mutating func skipEscape() throws(JSONRefusal) {
    guard position + 1 < text.count else { throw refusal("the text ends inside an escape") }
    switch text[position + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 2
    case UInt8(ascii: "u"): try skipUnicodeEscape()
    case let byte where (0x21...0x7E).contains(byte):
      throw refusal("'\\\(Character(Unicode.Scalar(byte)))' is not an escape of JSON")
    default: throw refusal("a backslash must begin an escape, such as \\\\ or \\n")
    }
  }

  private mutating func skipUnicodeEscape() throws(JSONRefusal) {
    switch try hexUnit(at: position) {
    case 0xDC00...0xDFFF: throw refusal("the low surrogate of this escape has no high one before it")
    case 0xD800...0xDBFF:
      let second = position + 6
      guard second + 1 < text.count, text[second] == UInt8(ascii: "\\"), text[second + 1] == UInt8(ascii: "u"),
        case 0xDC00...0xDFFF = try hexUnit(at: second)
      else { throw refusal("the high surrogate of this escape has no low one after it") }
      position += 12
    default: position += 6
    }
  }

  /// The number of the `\uXXXX` at `offset`.
  private func hexUnit(at offset: Int) throws(JSONRefusal) -> UInt16 {
    guard let unit = UInt16(hexEscapeIn: text, at: offset) else {
      throw JSONRefusal(offset: offset, detail: "\\u must be followed by four hexadecimal digits")
    }
    return unit
  }

  /// Skips one scalar of two to four bytes. The ranges are those of table 3-7, "Well-Formed UTF-8 Byte Sequences", of the
  /// Unicode Standard: they leave out overlong forms, surrogates, and what lies beyond U+10FFFF.
  private mutating func skipMultibyteScalar() throws(JSONRefusal) {
    let length: Int
    let second: ClosedRange<UInt8>
    switch text[position] {
    case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xE1...0xEC, 0xEE, 0xEF: (length, second) = (3, 0x80...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: throw invalidUTF8()
    }
    guard position + length <= text.count, second.contains(text[position + 1]) else { throw invalidUTF8() }
    for offset in position + 2..<position + length where text[offset] & 0xC0 != 0x80 { throw invalidUTF8() }
    position += length
  }

  private func invalidUTF8() -> JSONRefusal {
    refusal("a string is not valid UTF-8 here (byte 0x\(hex(text[position])))")
  }
}
