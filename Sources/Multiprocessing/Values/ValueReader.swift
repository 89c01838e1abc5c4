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
    if let value = try takeDirectly(type) { return value }
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

  /// The value, if its type is one of the format's own and the next value has that form; else nothing is taken. Casts are
  /// by bits, as in `ValueWriter`.
  private mutating func takeDirectly<Value>(_ type: Value.Type) throws -> Value? {
    if type == String.self {
      try expect(.text)
      return unsafeBitCast(try takeText(), to: type)
    }
    if type == Bool.self {
      let tag = try takeTag()
      if tag != .yes && tag != .no { throw MalformedValue("a Bool was expected, and \(tag) is there") }
      return unsafeBitCast(tag == .yes, to: type)
    }
    if let value = try take(type, ifOf: Int.self) { return value }
    if let value = try take(type, ifOf: Double.self) { return value }
    if let value = try take(type, ifOf: UInt8.self) { return value }
    if let value = try take(type, ifOf: Float.self) { return value }
    if let value = try take(type, ifOf: Int64.self) { return value }
    if let value = try take(type, ifOf: Int32.self) { return value }
    if let value = try take(type, ifOf: UInt64.self) { return value }
    if let value = try take(type, ifOf: UInt32.self) { return value }
    if let value = try take(type, ifOf: UInt.self) { return value }
    if let value = try take(type, ifOf: Int16.self) { return value }
    if let value = try take(type, ifOf: UInt16.self) { return value }
    if let value = try take(type, ifOf: Int8.self) { return value }
    if let value = try take(type, ifOf: Int128.self) { return value }
    if let value = try take(type, ifOf: UInt128.self) { return value }
    return nil
  }

  private mutating func take<Value, Number: FixedWidthNumber>(
    _ type: Value.Type, ifOf number: Number.Type
  ) throws -> Value? {
    if type == Number.self {
      try expect(Number.tag)
      return unsafeBitCast(try takeBare(number), to: type)
    }
    if type == [Number].self, try peekTag() == .numbers {
      let (element, range, count) = try takeNumbers()
      if element != Number.tag { throw MalformedValue("\(Number.tag)s were expected, and \(element)s are there") }
      let numbers = [Number](unsafeUninitializedCapacity: count) { buffer, filled in
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: UnsafeRawBufferPointer(rebasing: source.bytes[range]))
        filled = count
      }
      return unsafeBitCast(numbers, to: type)
    }
    return nil
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
