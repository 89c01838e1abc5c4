/// What a value that is not of the format's own types reads itself from.
struct ValueDecoder: Decoder {
  /// One value's bytes.
  let value: ValueReader
  let path: ValuePath?

  init(_ value: ValueReader, path: ValuePath?) {
    self.value = value
    self.path = path
  }

  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }
  var userInfo: [CodingUserInfoKey: Any] { value.source.userInfo }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(try KeyedValueDecoder<Key>(value, path: path))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer { try UnkeyedValueDecoder(value, path: path) }

  func singleValueContainer() -> any SingleValueDecodingContainer { SingleValueDecoder(value: value, path: path) }
}

// The generic `decode` of each container also meets the protocol's requirements for Bool, String and the numbers.

private struct KeyedValueDecoder<Key: CodingKey>: KeyedDecodingContainerProtocol {
  /// Each entry, from its key on, in the order they were written.
  private let entries: [Entry]
  private let path: ValuePath?
  /// Keys are mostly asked for in the order they were written: where the next one should be.
  private let next = Cursor()

  private struct Entry {
    let key: ValueReader
    let value: ValueReader
  }

  private final class Cursor { var index = 0 }

  init(_ whole: ValueReader, path: ValuePath?) throws {
    var whole = whole
    var (content, count) = try whole.enter(.keyed)
    var entries: [Entry] = []
    entries.reserveCapacity(count)
    for _ in 0..<count {
      let key = content
      _ = try content.takeText(isEqualTo: "")
      entries.append(Entry(key: key, value: try content.takeWhole()))
    }
    if content.remaining > 0 { throw MalformedValue("there are bytes after the last of its keys") }
    self.entries = entries
    self.path = path
  }

  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }

  var allKeys: [Key] {
    entries.compactMap { entry in
      var key = entry.key
      // A text that is none is no key of anybody's.
      guard let text = try? key.takeText() else { return nil }
      return Key(stringValue: text)
    }
  }

  func contains(_ key: Key) -> Bool { find(key) != nil }

  func decodeNil(forKey key: Key) throws -> Bool {
    var value = try value(of: key)
    return try value.takeNothing()
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    var value = try value(of: key)
    return try value.decode(type, at: ValuePath(key, in: path))
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try decoder(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder(key).unkeyedContainer()
  }

  func superDecoder() throws -> any Decoder { try decoder(ValueKey.superclass) }

  func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(key) }

  private func decoder(_ key: any CodingKey) throws -> ValueDecoder {
    ValueDecoder(try value(of: key), path: ValuePath(key, in: path))
  }

  private func value(of key: any CodingKey) throws -> ValueReader {
    if let value = find(key) { return value }
    throw DecodingError.keyNotFound(
      key, DecodingError.Context(codingPath: codingPath, debugDescription: "the key \"\(key.stringValue)\" is missing"))
  }

  private func find(_ key: any CodingKey) -> ValueReader? {
    let text = key.stringValue
    for step in 0..<entries.count {
      let index = (next.index + step) % entries.count
      var candidate = entries[index].key
      if (try? candidate.takeText(isEqualTo: text)) == true {
        // It stays here, because decodeIfPresent asks for the same key up to three times.
        next.index = index
        return entries[index].value
      }
    }
    return nil
  }
}

private struct UnkeyedValueDecoder: UnkeyedDecodingContainer {
  private var content: ValueReader
  /// Set if it is a block of numbers: they have no tags of their own.
  private let element: ValueTag?
  private let path: ValuePath?
  let count: Int?
  private(set) var currentIndex = 0

  init(_ whole: ValueReader, path: ValuePath?) throws {
    var whole = whole
    self.path = path
    if try whole.peekTag() == .numbers {
      let (element, content, count) = try whole.enterNumbers()
      self.element = element
      self.content = content
      self.count = count
    } else {
      let (content, count) = try whole.enter(.sequence)
      element = nil
      self.content = content
      self.count = count
    }
  }

  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }
  var isAtEnd: Bool { currentIndex >= count ?? 0 }
  private var here: ValuePath { ValuePath(ValueKey(index: currentIndex), in: path) }

  mutating func decodeNil() throws -> Bool {
    try checkNotAtEnd()
    if element != nil { return false }
    let isNothing = try content.takeNothing()
    if isNothing { currentIndex += 1 }
    return isNothing
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    try checkNotAtEnd()
    let value = element == nil ? try content.decode(type, at: here) : try decodeBare(type)
    currentIndex += 1
    return value
  }

  mutating func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type
  ) throws -> KeyedDecodingContainer<NestedKey> {
    try takeDecoder().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer { try takeDecoder().unkeyedContainer() }

  mutating func superDecoder() throws -> any Decoder { try takeDecoder() }

  private mutating func takeDecoder() throws -> ValueDecoder {
    try checkNotAtEnd()
    if element != nil { throw MalformedValue("a container was expected, and a number is there") }
    let decoder = ValueDecoder(try content.takeWhole(), path: here)
    currentIndex += 1
    return decoder
  }

  /// A number of a block, for who reads one by one what was written as an array.
  private mutating func decodeBare<Value: Decodable>(_ type: Value.Type) throws -> Value {
    guard let number = type as? any FixedWidthNumber.Type, number.tag == element,
      let value = try content.takeBare(number) as? Value
    else { throw MalformedValue("\(type) was expected, and a number of another form is there") }
    return value
  }

  private func checkNotAtEnd() throws {
    if isAtEnd {
      throw DecodingError.valueNotFound(
        Any.self, DecodingError.Context(codingPath: codingPath, debugDescription: "there is no value any more"))
    }
  }
}

private struct SingleValueDecoder: SingleValueDecodingContainer {
  let value: ValueReader
  let path: ValuePath?

  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }

  func decodeNil() -> Bool {
    var value = value
    // Bytes that are no value at all are for the next decode to complain about.
    return (try? value.takeNothing()) == true
  }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    var value = value
    return try value.decode(type, at: ValuePath(nil, in: path))
  }
}
