/// The target of a request line (RFC 9112, section 3.2), taken apart and decoded strictly.
enum RequestTarget {
  enum Form: Equatable {
    /// `/path?query`
    case origin
    /// `http://host/path?query`
    case absolute
    /// `*`
    case asterisk
    case malformed
  }

  static func form(_ target: UnsafeRawBufferPointer) -> Form {
    guard let first = target.first else { return .malformed }
    if first == UInt8(ascii: "/") { return .origin }
    if target.count == 1, first == UInt8(ascii: "*") { return .asterisk }
    guard let authority = authority(target) else { return .malformed }
    return isAuthority(UnsafeRawBufferPointer(rebasing: target[authority]), mayBeEmpty: false) ? .absolute : .malformed
  }

  /// Where the authority of an `http` or `https` URL stands.
  private static func authority(_ target: UnsafeRawBufferPointer) -> Range<Int>? {
    for scheme in [StaticString("http://"), "https://"] {
      let count = scheme.utf8CodeUnitCount
      guard target.count > count,
        HeadCharacter.matches(UnsafeRawBufferPointer(rebasing: target[..<count]), scheme)
      else { continue }
      let end = target[count...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? target.count
      return count..<end
    }
    return nil
  }

  /// Whether `bytes` are `uri-host [ ":" port ]` without user information (RFC 9110, section 4.2.4).
  static func isAuthority(_ bytes: UnsafeRawBufferPointer, mayBeEmpty: Bool) -> Bool {
    if bytes.isEmpty { return mayBeEmpty }
    var index = 0
    if bytes[0] == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")), close > 1 else { return false }
      for byte in bytes[1..<close]
      where HeadCharacter.nibble(byte) == nil && byte != UInt8(ascii: ":") && byte != UInt8(ascii: ".") {
        return false
      }
      index = close + 1
    } else {
      while index < bytes.count, isHostCharacter(bytes[index]) { index += 1 }
      if index == 0 { return false }
    }
    if index == bytes.count { return true }
    guard bytes[index] == UInt8(ascii: ":"), bytes.count - index <= 6 else { return false }
    return bytes[(index + 1)...].allSatisfy(HeadCharacter.isDigit)
  }

  /// `unreserved`, `sub-delims` and the escape of `reg-name` (RFC 3986, section 3.2.2), without the comma, which would make
  /// one Host look like two.
  private static func isHostCharacter(_ byte: UInt8) -> Bool {
    if HeadCharacter.isLetter(byte) || HeadCharacter.isDigit(byte) { return true }
    switch byte {
    case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "!"),
      UInt8(ascii: "$"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "("), UInt8(ascii: ")"),
      UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: ";"), UInt8(ascii: "="), UInt8(ascii: "%"):
      return true
    default: return false
    }
  }

  /// Where the path and the query stand in a well-formed target.
  static func parts(_ target: UnsafeRawBufferPointer) -> (path: Range<Int>, query: Range<Int>?) {
    let start = target.first == UInt8(ascii: "/") ? 0 : authority(target)?.upperBound ?? 0
    // No question mark stands before the path: an authority ends at it.
    guard let mark = HeadCharacter.index(of: UInt8(ascii: "?"), in: target) else { return (start..<target.count, nil) }
    return (start..<mark, (mark + 1)..<target.count)
  }

  /// Puts the decoded path into `path`, whose memory is used again. Dots are left as they are: nothing that looks up paths
  /// here gives them a meaning. An empty path is `/`.
  ///
  /// - Returns: false when the path has a bad escape, an escaped slash or control character, a character that must be
  ///   escaped, or is not UTF-8.
  static func decodePath(_ raw: UnsafeRawBufferPointer, into path: inout [UInt8]) -> Bool {
    path.removeAll(keepingCapacity: true)
    if raw.isEmpty {
      path.append(UInt8(ascii: "/"))
      return true
    }
    var index = 0
    while index < raw.count, isPlain(raw[index]) { index += 1 }
    path.append(contentsOf: UnsafeRawBufferPointer(rebasing: raw[..<index]))
    var needsValidation = false
    while index < raw.count {
      var byte = raw[index]
      index += 1
      switch byte {
      case UInt8(ascii: "%"):
        guard let decoded = escape(raw, at: index) else { return false }
        if decoded < 0x20 || decoded == 0x7F || decoded == UInt8(ascii: "/") { return false }
        if decoded >= 0x80 { needsValidation = true }
        byte = decoded
        index += 2
      default:
        if !isPlain(byte) { return false }
      }
      path.append(byte)
    }
    return !needsValidation || isUTF8(path)
  }

  /// Whether a character of a target may stand in a path, and for itself.
  @inline(__always)
  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "%"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\\"),
      UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"):
      false
    default: true
    }
  }

  /// The byte whose two hexadecimal digits stand at `index`.
  private static func escape(_ raw: UnsafeRawBufferPointer, at index: Int) -> UInt8? {
    guard index + 1 < raw.count, let high = HeadCharacter.nibble(raw[index]),
      let low = HeadCharacter.nibble(raw[index + 1])
    else { return nil }
    return high << 4 | low
  }

  private static func isUTF8(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

  /// Decodes a part of a query as forms write it: `+` is a space. `nil` for a bad escape, a NUL, or what is not UTF-8.
  static func decodeQueryPart(_ raw: UnsafeRawBufferPointer) -> String? {
    var decoded: [UInt8] = []
    decoded.reserveCapacity(raw.count)
    var index = 0
    while index < raw.count {
      switch raw[index] {
      case UInt8(ascii: "+"): decoded.append(0x20)
      case UInt8(ascii: "%"):
        guard let byte = escape(raw, at: index + 1), byte != 0 else { return nil }
        decoded.append(byte)
        index += 2
      case let byte: decoded.append(byte)
      }
      index += 1
    }
    return String(validating: decoded, as: UTF8.self)
  }
}
