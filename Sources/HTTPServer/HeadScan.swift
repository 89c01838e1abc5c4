/// One pass over one head; see ``HeadGuard``.
struct HeadScan {
  enum Stop: Error {
    case incomplete
    case refused(Problem)
  }

  let bytes: UnsafeRawBufferPointer
  let form: HeadGuard.Form
  let limits: HeadGuard
  var head = CheckedHead()
  private var position = 0
  private var hostCount = 0
  private var hasTransferEncoding = false
  private var contentLength: Int?
  private var targetHasAuthority = false

  init(bytes: UnsafeRawBufferPointer, form: HeadGuard.Form, limits: HeadGuard) {
    self.bytes = bytes
    self.form = form
    self.limits = limits
  }

  static let tooLarge = Problem(431, "the request line and header fields are too large")
  /// Above any limit there could be, and perhaps above what an `Int` holds.
  private static let bodyTooLarge = Problem(413, "the Content-Length is more than any body may have")
  private var targetTooLong: Problem {
    Problem(414, "the request target may have at most \(limits.targetLimitBytes) bytes")
  }
  static func malformed(_ detail: String) -> Problem { Problem(400, detail) }

  // MARK: - Request line (RFC 9112, section 3)

  /// `parsedTarget` stands for the target's bytes in the parsed form.
  mutating func requestLine(target parsedTarget: UnsafeRawBufferPointer? = nil) throws(Stop) {
    let methodEnd = try skip(while: HeadCharacter.isToken)
    guard methodEnd > 0, methodEnd <= 32 else { throw refuse("the method is not a token of at most 32 characters") }
    guard bytes[methodEnd] == form.space else { throw refuse("the request line is not well-formed") }
    position = methodEnd + 1
    if let parsedTarget {
      guard position + parsedTarget.count < bytes.count else { throw .incomplete }
      head.target = position..<(position + parsedTarget.count)
      position += parsedTarget.count
      try checkTarget(parsedTarget, method: UnsafeRawBufferPointer(rebasing: bytes[..<methodEnd]))
    } else {
      let start = position
      let end: Int
      do throws(Stop) { end = try skip(while: HeadCharacter.isTarget) } catch {
        if bytes.count - start > limits.targetLimitBytes { throw .refused(targetTooLong) }
        throw error
      }
      head.target = start..<end
      position = end
      try checkTarget(
        UnsafeRawBufferPointer(rebasing: bytes[start..<end]),
        method: UnsafeRawBufferPointer(rebasing: bytes[..<methodEnd]))
    }
    guard bytes[position] == form.space else {
      throw refuse("the request target has a character that must be escaped")
    }
    position += 1
    try version()
    try lineEnd()
  }

  private mutating func version() throws(Stop) {
    let name: StaticString = "HTTP/"
    for offset in 0..<5 {
      guard try byte(offset) == name.utf8Start[offset] else {
        throw refuse("the request line does not end in an HTTP version")
      }
    }
    let major = try byte(5)
    guard HeadCharacter.isDigit(major), try byte(6) == UInt8(ascii: "."), try HeadCharacter.isDigit(byte(7)) else {
      throw refuse("the HTTP version is not well-formed")
    }
    let minor = try byte(7)
    // A version of two digits or more is none that RFC 9112, section 2.3, knows.
    guard try byte(8) == form.lineEnd.0 else { throw refuse("the HTTP version is not well-formed") }
    guard major == UInt8(ascii: "1"), minor <= UInt8(ascii: "1") else {
      throw .refused(Problem(505, "this server speaks HTTP/1.1 and HTTP/1.0"))
    }
    head.minorVersion = Int(minor - UInt8(ascii: "0"))
    position += 8
  }

  private mutating func checkTarget(
    _ target: UnsafeRawBufferPointer, method: UnsafeRawBufferPointer
  ) throws(Stop) {
    if target.count > limits.targetLimitBytes { throw .refused(targetTooLong) }
    if HeadCharacter.equals(method, "CONNECT") { throw .refused(Problem(501, "this server is not a proxy")) }
    switch RequestTarget.form(target) {
    case .origin: break
    case .absolute: targetHasAuthority = true
    case .asterisk where HeadCharacter.equals(method, "OPTIONS"): break
    case .asterisk, .malformed: throw refuse("the request target is not well-formed")
    }
  }

  // MARK: - Fields (RFC 9112, section 5)

  mutating func fields() throws(Stop) {
    while true {
      if try byte(0) == form.lineEnd.0, try byte(1) == form.lineEnd.1 { break }
      let nameStart = position
      let nameEnd = try skip(while: HeadCharacter.isToken)
      guard bytes[nameEnd] == form.colon else {
        throw refuse(
          nameEnd == nameStart && HeadCharacter.isBlank(bytes[nameEnd])
            ? "a header field is continued on a second line"
            : "the name of a header field is not well-formed")
      }
      guard nameEnd > nameStart else { throw refuse("a header field has no name") }
      position = nameEnd + 1
      let valueEnd = try skip(while: HeadCharacter.isFieldValue)
      var value = position..<valueEnd
      while !value.isEmpty, HeadCharacter.isBlank(bytes[value.lowerBound]) { value.removeFirst() }
      while !value.isEmpty, HeadCharacter.isBlank(bytes[value.upperBound - 1]) { value.removeLast() }
      position = valueEnd
      try lineEnd()
      head.fieldCount += 1
      if head.fieldCount > limits.fieldLimit || position > limits.headerLimitBytes { throw .refused(Self.tooLarge) }
      try field(
        name: UnsafeRawBufferPointer(rebasing: bytes[nameStart..<nameEnd]),
        value: UnsafeRawBufferPointer(rebasing: bytes[value]))
    }
    position += 2
    head.byteCount = position
    if position > limits.headerLimitBytes { throw .refused(Self.tooLarge) }
    try conclude()
  }

  private mutating func field(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) throws(Stop) {
    switch name.count {
    case 4 where HeadCharacter.matches(name, "host"):
      hostCount += 1
      if hostCount > 1 { throw refuse("there is more than one Host") }
      if !RequestTarget.isAuthority(value, mayBeEmpty: true) { throw refuse("the Host is not well-formed") }
    case 14 where HeadCharacter.matches(name, "content-length"):
      if value.count > 18, value.allSatisfy(HeadCharacter.isDigit) { throw .refused(Self.bodyTooLarge) }
      guard let length = HeadCharacter.decimal(value) else { throw refuse("the Content-Length is not a number") }
      if let contentLength, contentLength != length { throw refuse("there are several Content-Lengths") }
      contentLength = length
    case 17 where HeadCharacter.matches(name, "transfer-encoding"):
      if hasTransferEncoding { throw refuse("there are several Transfer-Encodings") }
      hasTransferEncoding = true
      guard HeadCharacter.matches(value, "chunked") else {
        throw .refused(Problem(501, "the only Transfer-Encoding known here is chunked"))
      }
    case 6 where HeadCharacter.matches(name, "expect"):
      guard HeadCharacter.matches(value, "100-continue") else {
        throw .refused(Problem(417, "the only expectation known here is 100-continue"))
      }
      head.expectsContinue = true
    case 6 where HeadCharacter.matches(name, "cookie"):
      let pairs = value.lazy.filter { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: ",") }.count + 1
      if value.count > limits.cookieLimitBytes || pairs > limits.cookieLimit { throw .refused(Self.tooLarge) }
    default: break
    }
  }

  private mutating func conclude() throws(Stop) {
    if head.minorVersion == 1, hostCount == 0 { throw refuse("there is no Host") }
    if hasTransferEncoding {
      // RFC 9112, section 6.1: an HTTP/1.0 client cannot know it; with a Content-Length too, somebody is confused.
      if head.minorVersion == 0 { throw refuse("HTTP/1.0 has no Transfer-Encoding") }
      if contentLength != nil { throw refuse("there are both a Content-Length and a Transfer-Encoding") }
      head.framing = .chunked
    } else if let contentLength {
      head.framing = contentLength == 0 ? .none : .length(contentLength)
    }
    if head.minorVersion == 0 || head.framing == .none { head.expectsContinue = false }
  }

  // MARK: - Bytes

  /// The first position from here on whose byte is not `included`; it exists.
  @inline(__always)
  private func skip(while included: (UInt8) -> Bool) throws(Stop) -> Int {
    var index = position
    while index < bytes.count, included(bytes[index]) { index += 1 }
    guard index < bytes.count else { throw .incomplete }
    return index
  }

  @inline(__always)
  private func byte(_ offset: Int) throws(Stop) -> UInt8 {
    guard position + offset < bytes.count else { throw .incomplete }
    return bytes[position + offset]
  }

  @inline(__always)
  private mutating func lineEnd() throws(Stop) {
    guard try byte(0) == form.lineEnd.0 else {
      throw refuse("a line has a control character, or does not end in CR LF")
    }
    guard try byte(1) == form.lineEnd.1 else { throw refuse("a line does not end in CR LF") }
    position += 2
  }

  private func refuse(_ detail: String) -> Stop { .refused(Self.malformed(detail)) }
}
