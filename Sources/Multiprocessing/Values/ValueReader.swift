/// The bytes a value is decoded from, as long as that takes.
final class ValueSource {
  private(set) var bytes: UnsafeRawBufferPointer
  let userInfo: [CodingUserInfoKey: Any]

  init(_ bytes: UnsafeRawBufferPointer, files: [SharedFile]) {
    self.bytes = bytes
    userInfo = files.isEmpty ? [:] : [FileList.key: FileList(files)]
  }

  private init(_ bytes: UnsafeRawBufferPointer, userInfo: [CodingUserInfoKey: Any]) {
    self.bytes = bytes
    self.userInfo = userInfo
  }

  /// The memory goes back to its owner: nothing can be read any more.
  func close() { bytes = UnsafeRawBufferPointer(start: nil, count: 0) }
}

/// Takes values from bytes, one after the other.
struct ValueReader {
  let source: ValueSource
  private var position: Int
  private let end: Int

  init(_ source: ValueSource) {
    self.source = source
    position = 0
    end = source.bytes.count
  }

  private init(_ source: ValueSource, _ range: Range<Int>) {
    self.source = source
    position = range.lowerBound
    end = range.upperBound
  }

  var remaining: Int { end - position }

  mutating func decode<Value: Decodable>(_ type: Value.Type, at path: ValuePath?) throws -> Value {
    // A type of the format's own, or an array of its numbers. The casts are by bits, of types that were just compared, as in
    // `ValueWriter`; and none of these gives a `Value?`, whose own type would have to be looked up each time.
    if type == String.self {
      try expect(.text)
      return unsafeBitCast(try takeText(), to: type)
    }
    if type == Bool.self { return unsafeBitCast(try takeBool(), to: type) }
    if let found = try take(Int.self, for: type) { return found.cast(to: type) }
    if let found = try take(Double.self, for: type) { return found.cast(to: type) }
    if let found = try take(UInt8.self, for: type) { return found.cast(to: type) }
    if let found = try take(Float.self, for: type) { return found.cast(to: type) }
    if let found = try take(Int64.self, for: type) { return found.cast(to: type) }
    if let found = try take(Int32.self, for: type) { return found.cast(to: type) }
    if let found = try take(UInt64.self, for: type) { return found.cast(to: type) }
    if let found = try take(UInt32.self, for: type) { return found.cast(to: type) }
    if let found = try take(UInt.self, for: type) { return found.cast(to: type) }
    if let found = try take(Int16.self, for: type) { return found.cast(to: type) }
    if let found = try take(UInt16.self, for: type) { return found.cast(to: type) }
    if let found = try take(Int8.self, for: type) { return found.cast(to: type) }
    if let found = try take(Int128.self, for: type) { return found.cast(to: type) }
    if let found = try take(UInt128.self, for: type) { return found.cast(to: type) }
    if let path, path.depth > ValueFormat.deepest {
      throw MalformedValue("it is nested more than \(ValueFormat.deepest) deep")
    }
    return try type.init(from: ValueDecoder(try takeWhole(), path: path))
  }

  /// The bytes of the next value, whatever it is, to be read on their own.
  mutating func takeWhole() throws -> ValueReader {
    let start = position
    try skip()
    return ValueReader(source, start..<position)
  }

  /// True: the next value is nothing, and was taken.
  mutating func takeNothing() throws -> Bool {
    if try peekTag() != .nothing { return false }
    position += 1
    return true
  }

  func peekTag() throws -> ValueTag {
    var copy = self
    return try copy.takeTag()
  }

  /// Enters a sequence or a keyed container, the only thing there is: what is in it, and of how many.
  mutating func enter(_ tag: ValueTag) throws -> (content: ValueReader, count: Int) {
    let found = try takeTag()
    if found != tag { throw MalformedValue("\(tag) was expected, and \(found) is there") }
    var content = ValueReader(source, try takeRange(try takeCount()))
    let count = try content.takeCount()
    // Each takes a byte at least: a count that was made up must not make anybody reserve memory.
    if count > content.remaining { throw MalformedValue("it ends before its last value") }
    return (content, count)
  }

  /// Enters a block of numbers as if it were a sequence: the tag of each, and where they are.
  mutating func enterNumbers() throws -> (element: ValueTag, content: ValueReader, count: Int) {
    let (element, range, count) = try takeNumbers()
    return (element, ValueReader(source, range), count)
  }

  mutating func takeText() throws -> String {
    let range = try takeRange(try takeCount())
    // A copy: a sender gone wild could change the bytes after they were found valid.
    guard let text = String(validating: [UInt8](source.bytes[range]), as: UTF8.self) else {
      throw MalformedValue("a text is not UTF-8")
    }
    return text
  }

  /// True: the next text is this one; it is taken in any case.
  mutating func takeText(isEqualTo text: String) throws -> Bool {
    let range = try takeRange(try takeCount())
    var text = text
    return text.withUTF8 { $0.count == range.count && source.bytes[range].elementsEqual($0) }
  }

  /// A number without its tag.
  mutating func takeBare<Number: FixedWidthNumber>(_ type: Number.Type) throws -> Number {
    let range = try takeRange(MemoryLayout<Number>.size)
    return source.bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: type)
  }

  // MARK: - Private

  /// What a value of type `Number` or `[Number]` is.
  private enum Found<Number: FixedWidthNumber> {
    case one(Number)
    case many([Number])

    /// - Parameter type: that of what was found.
    func cast<Value>(to type: Value.Type) -> Value {
      switch self {
      case .one(let number): unsafeBitCast(number, to: type)
      case .many(let numbers): unsafeBitCast(numbers, to: type)
      }
    }
  }

  /// The next value, if that is what `Value` is and an array is a block; else nothing is taken.
  private mutating func take<Value, Number: FixedWidthNumber>(
    _ number: Number.Type, for type: Value.Type
  ) throws -> Found<Number>? {
    if type == Number.self {
      try expect(Number.tag)
      return .one(try takeBare(number))
    }
    if type == [Number].self, try peekTag() == .numbers {
      let (element, range, count) = try takeNumbers()
      if element != Number.tag { throw MalformedValue("\(Number.tag)s were expected, and \(element)s are there") }
      return .many(
        [Number](unsafeUninitializedCapacity: count) { buffer, filled in
          UnsafeMutableRawBufferPointer(buffer).copyMemory(from: UnsafeRawBufferPointer(rebasing: source.bytes[range]))
          filled = count
        })
    }
    return nil
  }

  private mutating func takeBool() throws -> Bool {
    let tag = try takeTag()
    if tag != .yes && tag != .no { throw MalformedValue("a Bool was expected, and \(tag) is there") }
    return tag == .yes
  }

  private mutating func expect(_ tag: ValueTag) throws {
    let found = try takeTag()
    if found != tag { throw MalformedValue("\(tag) was expected, and \(found) is there") }
  }

  private mutating func takeTag() throws -> ValueTag {
    let range = try takeRange(1)
    guard let tag = ValueTag(rawValue: source.bytes[range.lowerBound]) else {
      throw MalformedValue("there is no form of values with number \(source.bytes[range.lowerBound])")
    }
    return tag
  }

  private mutating func takeCount() throws -> Int {
    var count: UInt = 0
    for shift in stride(from: UInt(0), to: 63, by: 7) {
      let byte = source.bytes[try takeRange(1).lowerBound]
      count |= UInt(byte & 0x7f) << shift
      if byte & 0x80 == 0 { return Int(count) }
    }
    throw MalformedValue("a count has too many bytes")
  }

  private mutating func takeRange(_ count: Int) throws -> Range<Int> {
    if count > end - position || end > source.bytes.count { throw MalformedValue("it ends too early") }
    defer { position += count }
    return position..<position + count
  }

  private mutating func takeNumbers() throws -> (element: ValueTag, range: Range<Int>, count: Int) {
    try expect(.numbers)
    let element = try takeTag()
    guard let size = element.numberByteCount else { throw MalformedValue("\(element) is no number") }
    let count = try takeCount()
    let (byteCount, overflow) = count.multipliedReportingOverflow(by: size)
    if overflow { throw MalformedValue("it ends too early") }
    return (element, try takeRange(byteCount), count)
  }

  private mutating func skip() throws {
    switch try takeTag() {
    case .nothing, .no, .yes: return
    case .text, .sequence, .keyed: _ = try takeRange(try takeCount())
    case .numbers:
      position -= 1
      _ = try takeNumbers()
    case let number: _ = try takeRange(number.numberByteCount ?? 0)
    }
  }
}
