// The scan of a text: its structure. Strings, numbers and words are scanned in the extensions beside this file.

/// Scans one text into a tape. Lives inside the closure that lends it the bytes.
///
/// It does not recurse: the open containers are chained through the tape, so depth costs no stack.
struct JSONParser {
  let text: UnsafeBufferPointer<UInt8>
  let maxDepth: Int
  var position = 0
  var tape: [TapeEntry] = []
  /// Tape index of the container that is being filled; `nil` outside the outermost.
  private var innermost: Int?
  private var depth = 0

  init(text: UnsafeBufferPointer<UInt8>, maxDepth: Int) {
    self.text = text
    self.maxDepth = maxDepth
  }

  /// Scans the whole text. Each value that ends is either the root, or followed by a comma or its container's end.
  mutating func parseText() throws(JSONRefusal) {
    try refuseForeignText()
    // A short body has an entry about every 8 bytes. Denser texts make the array grow.
    tape.reserveCapacity(text.count / 8 + 8)
    skipWhitespace()
    if position == text.count { throw refusal("the text is empty") }
    var valueIsDue = true
    while true {
      if valueIsDue, try scanValueOrOpening() { continue }
      guard let container = innermost else { break }
      valueIsDue = try scanCommaOrClosing(of: container)
    }
    skipWhitespace()
    if position < text.count { throw refusal("the text goes on after its value: \(found())") }
  }

  /// What can be told from the first bytes and the size alone.
  private func refuseForeignText() throws(JSONRefusal) {
    if text.count >= Int(UInt32.max) { throw refusal("the text is longer than 4 GiB") }
    if text.starts(with: [0xEF, 0xBB, 0xBF]) {
      throw refusal("the text begins with a byte order mark (EF BB BF), which JSON does not have")
    }
    if text.starts(with: [0xFF, 0xFE]) || text.starts(with: [0xFE, 0xFF]) {
      throw refusal("the text seems to be UTF-16; JSON is UTF-8")
    }
  }

  /// Scans a whole scalar or empty container (`false`), or the opening of a container and what leads to the first value
  /// in it (`true`: that value is due).
  private mutating func scanValueOrOpening() throws(JSONRefusal) -> Bool {
    guard position < text.count else { throw refusal("the text ends where a value is expected") }
    if let innermost { tape[innermost].count += 1 }
    switch text[position] {
    case UInt8(ascii: "\""): try scanString()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try scanNumber()
    case UInt8(ascii: "t"): try scanWord("true", .boolean)
    case UInt8(ascii: "f"): try scanWord("false", .boolean)
    case UInt8(ascii: "n"): try scanWord("null", .null)
    case UInt8(ascii: "{"):
      try open(.object)
      if atByte(UInt8(ascii: "}")) { break }
      try scanKeyAndColon(expecting: "a key or '}'")
      return true
    case UInt8(ascii: "["):
      try open(.array)
      if atByte(UInt8(ascii: "]")) { break }
      return true
    default: throw unexpectedValue()
    }
    return false
  }

  /// After a value in `container`: a comma, and in an object the next key (`true`: a value is due), or the end (`false`).
  private mutating func scanCommaOrClosing(of container: Int) throws(JSONRefusal) -> Bool {
    // An empty container comes here straight after its opening.
    let isObject = tape[container].kind == .object
    let closing = UInt8(ascii: isObject ? "}" : "]")
    skipWhitespace()
    if atByte(closing) {
      try close(container)
      return false
    }
    guard atByte(UInt8(ascii: ",")) else {
      throw refusal("expected ',' or '\(isObject ? "}" : "]")', \(found())")
    }
    position += 1
    skipWhitespace()
    if atByte(closing) { throw refusal("a comma is not followed by '\(isObject ? "}" : "]")'") }
    if isObject {
      try scanKeyAndColon(expecting: "a key")
    }
    return true
  }

  private mutating func scanKeyAndColon(expecting expected: String) throws(JSONRefusal) {
    guard atByte(UInt8(ascii: "\"")) else {
      throw refusal("expected \(expected) (a string in double quotes), \(found())")
    }
    try scanString()
    skipWhitespace()
    guard atByte(UInt8(ascii: ":")) else { throw refusal("expected ':' after the key, \(found())") }
    position += 1
    skipWhitespace()
  }

  private mutating func open(_ kind: JSONKind) throws(JSONRefusal) {
    if depth >= maxDepth { throw refusal("arrays and objects are nested more than \(maxDepth) levels deep") }
    depth += 1
    let outer = innermost.map(UInt32.init) ?? .max
    innermost = tape.count
    tape.append(
      TapeEntry(start: UInt32(position), end: 0, next: outer, count: 0, kind: kind, hasEscapes: false))
    position += 1
    skipWhitespace()
  }

  private mutating func close(_ container: Int) throws(JSONRefusal) {
    position += 1
    let outer = tape[container].next
    innermost = outer == .max ? nil : Int(outer)
    depth -= 1
    tape[container].next = UInt32(tape.count)
    tape[container].end = UInt32(position)
    if tape[container].kind == .object { try refuseDuplicateKeys(of: container) }
  }

  /// Appends a scalar or key that ends at `position`.
  mutating func append(_ kind: JSONKind, from start: Int, hasEscapes: Bool = false) {
    tape.append(
      TapeEntry(
        start: UInt32(start), end: UInt32(position), next: UInt32(tape.count + 1), count: 0, kind: kind,
        hasEscapes: hasEscapes))
  }
}
