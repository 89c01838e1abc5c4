// Numbers, words and white space; and how a refusal names what it met.

extension JSONParser {
  /// Scans the number at `position`: RFC 8259 section 6. Its size does not matter here: nothing is converted.
  mutating func scanNumber() throws(JSONRefusal) {
    let start = position
    if atByte(UInt8(ascii: "-")) {
      position += 1
      if atByte(UInt8(ascii: "I")) || atByte(UInt8(ascii: "N")) { throw refusal("JSON has neither NaN nor Infinity") }
    }
    if atByte(UInt8(ascii: "0")) {
      position += 1
      if position < text.count, isDigit(text[position]) {
        throw JSONRefusal(offset: start, detail: "a number has no leading zeros")
      }
      if atByte(UInt8(ascii: "x")) || atByte(UInt8(ascii: "X")) { throw refusal("numbers are decimal in JSON") }
    } else {
      try skipDigits(of: "a number", after: "'-'")
    }
    if atByte(UInt8(ascii: ".")) {
      position += 1
      try skipDigits(of: "a fraction", after: "'.'")
    }
    if atByte(UInt8(ascii: "e")) || atByte(UInt8(ascii: "E")) {
      position += 1
      if atByte(UInt8(ascii: "+")) || atByte(UInt8(ascii: "-")) { position += 1 }
      try skipDigits(of: "an exponent", after: "its sign or 'e'")
    }
    append(.number, from: start)
  }

  /// Skips the digits at `position`, of which there must be one.
  private mutating func skipDigits(of part: String, after lead: String) throws(JSONRefusal) {
    let first = position
    while position < text.count, isDigit(text[position]) { position += 1 }
    if position == first { throw refusal("\(part) needs a digit after \(lead), \(found())") }
  }

  private func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  mutating func scanWord(_ word: StaticString, _ kind: JSONKind) throws(JSONRefusal) {
    let start = position
    let length = word.utf8CodeUnitCount
    guard start + length <= text.count else { throw unexpectedValue() }
    for offset in 0..<length where text[start + offset] != word.utf8Start[offset] { throw unexpectedValue() }
    position += length
    append(kind, from: start)
  }

  mutating func skipWhitespace() {
    while position < text.count {
      switch text[position] {
      case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
      default: return
      }
    }
  }

  func atByte(_ byte: UInt8) -> Bool { position < text.count && text[position] == byte }

  // MARK: What a refusal says

  func refusal(_ detail: String) -> JSONRefusal { JSONRefusal(offset: position, detail: detail) }

  /// Names what stands at `position`, to end a sentence with.
  func found() -> String {
    guard position < text.count else { return "found the end of the text" }
    switch text[position] {
    case let byte where (0x21...0x7E).contains(byte): return "found '\(Character(Unicode.Scalar(byte)))'"
    case let byte where byte < 0x80: return "found the control character 0x\(hex(byte))"
    default: return "found a character that is not ASCII"
    }
  }

  /// No value begins with what stands at `position`: says why, where it is a known habit from elsewhere.
  func unexpectedValue() -> JSONRefusal {
    let word = text[position...].prefix(9).prefix { byte in
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    switch String(decoding: word, as: UTF8.self).lowercased() {
    case "nan", "infinity": return refusal("JSON has neither NaN nor Infinity")
    case "true", "false", "null", "none", "undefined":
      return refusal("expected a value, found a word that JSON does not have; its words are true, false and null")
    default: break
    }
    switch text[position] {
    case UInt8(ascii: "'"): return refusal("strings stand in double quotes")
    case UInt8(ascii: "/"), UInt8(ascii: "#"): return refusal("JSON has no comments")
    case UInt8(ascii: "+"): return refusal("a number has no leading '+'")
    case UInt8(ascii: "."): return refusal("a number needs a digit before '.'")
    default: return refusal("expected a value, \(found())")
    }
  }

  func hex(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return byte < 16 ? "0" + digits : digits
  }
}
