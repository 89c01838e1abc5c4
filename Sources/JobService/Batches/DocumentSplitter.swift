// The JSON form of a batch: one object, whose member `args` is an array of perhaps a hundred thousand inputs.
//
// Only its structure is followed here, as far as it takes to tell the inputs from the rest. The inputs are given away one by
// one; what remains is the same document with an empty array in their place, its frame. Both are then read by the strict
// parser, so what is wrong anywhere is found there, and every error says where it stands in the body as it came.

import StrictJSON

struct DocumentSplitter: BatchSplitter {
  /// The document without what stands in the array.
  private(set) var frame: [UInt8] = []

  private let inputLimitBytes: Int
  private var state = State.outside
  /// Arrays and objects that are open: of the document, or of an input.
  private var depth = 0
  private var inputDepth = 0
  private var isInString = false
  private var isEscaped = false
  /// At the document's first level, where a key is due; and the last key there, with its quotes.
  private var keyIsDue = false
  private var isInKey = false
  private var key: [UInt8] = []
  private var valueIsDue = false
  private var input: [UInt8] = []
  private var inputStart = TextPlace()
  private var commaBefore = false
  /// Where the next byte stands in the body, and in the frame.
  private var place = TextPlace()
  private var framePlace = TextPlace()
  /// Where the frame goes on after an array was cut out.
  private var cuts: [(frame: TextPlace, body: TextPlace)] = []

  private enum State { case outside, inInputs }

  /// Beside its inputs a batch says little; the largest part of it is `metadata`, of at most 16 KiB.
  static let frameLimitBytes = 256 * 1024

  init(inputLimitBytes: Int) { self.inputLimitBytes = inputLimitBytes }

  mutating func take(_ bytes: ArraySlice<UInt8>, _ sink: Sink) throws {
    var index = bytes.startIndex
    while index < bytes.endIndex {
      let byte = bytes[index]
      switch state {
      case .outside: try outside(byte)
      case .inInputs:
        let plain = plainRun(bytes[index...])
        if !plain.isEmpty {
          try append(plain)
          place.advance(over: plain)
          index = plain.endIndex
          continue
        }
        try inInputs(byte, sink)
      }
      place.advance(over: byte)
      index += 1
    }
  }

  /// The bytes in front that change nothing within an input: most of them, so they are taken together.
  private func plainRun(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    if isInString {
      if isEscaped { return [] }
      return bytes.prefix { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
    guard inputDepth > 0 else { return [] }
    return bytes.prefix { byte in
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"): false
      default: true
      }
    }
  }

  /// A body that ends amid its inputs leaves a frame that is no JSON, and so says where; unless the last input was wrong
  /// before.
  mutating func end(_ sink: Sink) throws {
    guard state == .inInputs else { return }
    cuts.append((framePlace, place))
    if !input.isEmpty {
      _ = try BatchInput(text: input, line: inputStart.line, column: inputStart.column).parsed(maxDepth: 64)
    }
  }

  /// Where a place in the frame stands in the body.
  func bodyPlace(ofFrame error: JSONSyntaxError) -> JSONSyntaxError {
    let place = TextPlace(line: error.line, column: error.column)
    guard let cut = cuts.last(where: { $0.frame <= place }) else { return error }
    let isSameLine = cut.frame.line == place.line
    return JSONSyntaxError(
      line: cut.body.line + place.line - cut.frame.line,
      column: isSameLine ? cut.body.column + place.column - cut.frame.column : place.column, detail: error.detail)
  }

  // MARK: - The document

  private mutating func outside(_ byte: UInt8) throws {
    guard frame.count < Self.frameLimitBytes else {
      throw APIError.tooLarge("what stands beside args may have at most \(Self.frameLimitBytes) bytes")
    }
    frame.append(byte)
    framePlace.advance(over: byte)
    if isInString {
      follow(string: byte)
      if isInKey {
        key.append(byte)
        if !isInString { isInKey = false }
      }
      return
    }
    if JSONSpace.has(byte) { return }
    let opensValue = valueIsDue
    valueIsDue = false
    switch byte {
    case UInt8(ascii: "\""):
      isInString = true
      if depth == 1, keyIsDue {
        isInKey = true
        keyIsDue = false
        key = [byte]
      }
    case UInt8(ascii: "["), UInt8(ascii: "{"):
      if byte == UInt8(ascii: "["), opensValue, depth == 1, keyIsArgs {
        state = .inInputs
        commaBefore = false
      }
      depth += 1
      keyIsDue = depth == 1 && byte == UInt8(ascii: "{")
    case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
    case UInt8(ascii: ":"): valueIsDue = depth == 1
    case UInt8(ascii: ","): keyIsDue = depth == 1
    default: break
    }
  }

  /// Keys are equal that are so once their escapes are read.
  private var keyIsArgs: Bool {
    if key.elementsEqual(#""args""#.utf8) { return true }
    guard key.contains(UInt8(ascii: "\\")) else { return false }
    do {
      return try JSONDocument.parse(key).root.stringValue == "args"
    } catch {
      // The frame's own reading will say what is wrong with it.
      return false
    }
  }

  // MARK: - The inputs

  private mutating func inInputs(_ byte: UInt8, _ sink: Sink) throws {
    if isInString {
      follow(string: byte)
      return try append(byte)
    }
    if inputDepth == 0 {
      switch byte {
      case UInt8(ascii: ","):
        guard !input.isEmpty else { throw misplaced("a value is expected, not ','") }
        commaBefore = true
        return try emit(sink)
      case UInt8(ascii: "]"):
        guard !input.isEmpty || !commaBefore else { throw misplaced("a comma is not followed by ']'") }
        if !input.isEmpty { try emit(sink) }
        state = .outside
        cuts.append((framePlace, place))
        return try outside(byte)
      default:
        if input.isEmpty, JSONSpace.has(byte) { return }
      }
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "["), UInt8(ascii: "{"): inputDepth += 1
    // A bracket too many stays in its input, whose reading refuses it.
    case UInt8(ascii: "]"), UInt8(ascii: "}"): inputDepth = max(0, inputDepth - 1)
    default: break
    }
    try append(byte)
  }

  private mutating func append(_ byte: UInt8) throws {
    try makeRoom(1)
    input.append(byte)
  }

  private mutating func append(_ bytes: ArraySlice<UInt8>) throws {
    try makeRoom(bytes.count)
    input += bytes
  }

  private mutating func makeRoom(_ count: Int) throws {
    if input.isEmpty { inputStart = place }
    guard input.count + count <= inputLimitBytes else {
      throw APIError.tooLarge(
        "an input may have at most \(inputLimitBytes) bytes; one in line \(inputStart.line) has more")
    }
  }

  private mutating func emit(_ sink: Sink) throws {
    try sink(BatchInput(text: input, line: inputStart.line, column: inputStart.column))
    input.removeAll(keepingCapacity: input.capacity < 1 << 20)
  }

  private func misplaced(_ detail: String) -> APIError {
    .notJSON(JSONSyntaxError(line: place.line, column: place.column, detail: detail))
  }

  private mutating func follow(string byte: UInt8) {
    if isEscaped {
      isEscaped = false
    } else if byte == UInt8(ascii: "\\") {
      isEscaped = true
    } else if byte == UInt8(ascii: "\"") {
      isInString = false
    }
  }
}

/// A place in a text, as ``JSONSyntaxError`` counts: lines end at LF, CR LF or CR, columns are Unicode scalars.
struct TextPlace: Comparable {
  private(set) var line = 1
  private(set) var column = 1
  private var previous: UInt8 = 0

  init(line: Int = 1, column: Int = 1) {
    self.line = line
    self.column = column
  }

  mutating func advance(over byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\n") where previous == UInt8(ascii: "\r"): break
    case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
      line += 1
      column = 1
    case 0x80...0xBF: if previous < 0x80 { column += 1 }
    default: column += 1
    }
    previous = byte
  }

  mutating func advance(over bytes: ArraySlice<UInt8>) {
    for byte in bytes { advance(over: byte) }
  }

  static func == (a: TextPlace, b: TextPlace) -> Bool { (a.line, a.column) == (b.line, b.column) }
  static func < (a: TextPlace, b: TextPlace) -> Bool { (a.line, a.column) < (b.line, b.column) }
}
