/// The header of an answer, read line by line as libcurl hands it over: first those of interim answers (1xx) and
/// redirects, which the next one replaces, then the final one's, after the body perhaps trailers, which are left out.
struct ResponseHead {
  /// Names in lower case, the values of a repeated one joined by ", " (RFC 9110, section 5.3).
  private(set) var fields: [String: String] = [:]
  private var lastName: String?
  private var isComplete = true
  private var bodyBegan = false
  private var byteCount = 0

  /// Of all heads of one fetch together: far above what servers accept or send.
  static let limitBytes = 256 * 1024

  /// Takes one line, its end included. Returns false when there have been too many bytes.
  mutating func consume(_ line: UnsafeRawBufferPointer) -> Bool {
    byteCount += line.count
    if byteCount > Self.limitBytes { return false }
    if bodyBegan { return true }
    let text = Self.text(line)
    if isComplete {
      // A status line begins the next head; anything else after a head's empty line is a trailer.
      if text.hasPrefix("HTTP/") {
        fields = [:]
        lastName = nil
        isComplete = false
      }
    } else if text.isEmpty {
      isComplete = true
    } else {
      consumeField(text)
    }
    return true
  }

  /// What follows the head is the body: lines that come later are trailers.
  mutating func beginBody() { bodyBegan = true }

  /// `content-length`, where it says how long the body will be.
  var bodyLength: Int? { fields["content-encoding"] == nil ? fields["content-length"].flatMap { Int($0) } : nil }

  private mutating func consumeField(_ text: String) {
    // A folded line goes on with the value before it (RFC 9112, section 5.2).
    if text.hasPrefix(" ") || text.hasPrefix("\t") {
      if let lastName { fields[lastName, default: ""] += " " + Self.trimmed(text[...]) }
      return
    }
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return }
    let name = text[..<colon].lowercased()
    let value = Self.trimmed(text[text.utf8.index(after: colon)...])
    fields[name] = fields[name].map { $0 + ", " + value } ?? value
    lastName = name
  }

  /// Without the line's end. Bytes that are not UTF-8 are read as ISO 8859-1, as HTTP once defined them.
  private static func text(_ line: UnsafeRawBufferPointer) -> String {
    var bytes = line[...]
    while let last = bytes.last, last == 0x0a || last == 0x0d { bytes = bytes.dropLast() }
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
  }

  private static func trimmed(_ text: Substring) -> String {
    let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 }
    var utf8 = text.utf8[...]
    while let first = utf8.first, isBlank(first) { utf8 = utf8.dropFirst() }
    while let last = utf8.last, isBlank(last) { utf8 = utf8.dropLast() }
    return String(Substring(utf8))
  }
}
