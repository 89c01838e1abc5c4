// The three containers of a decoder, as a probe hands them out. The generic `decode` of each answers the standard
// library's scalars too (ProbeContext.swift).

struct SingleValueProbe: SingleValueDecodingContainer {
  let probe: TypeProbe
  var codingPath: [any CodingKey] { probe.codingPath }

  func decodeNil() -> Bool {
    probe.recordNullable()
    return false
  }

  func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    let (value, node) = try probe.context.value(of: type)
    probe.record(node)
    return value
  }
}

/// Has one element.
struct UnkeyedProbe: UnkeyedDecodingContainer {
  let probe: TypeProbe
  var codingPath: [any CodingKey] { probe.codingPath }
  var count: Int? { nil }
  var isAtEnd: Bool { currentIndex > 0 }
  private(set) var currentIndex = 0
  private var elementIsNullable = false

  init(probe: TypeProbe) {
    self.probe = probe
    probe.record(.array(of: .any))
  }

  mutating func decodeNil() -> Bool {
    elementIsNullable = true
    return false
  }

  mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
    var (value, node) = try probe.context.items.value(of: type)
    node.isNullable = node.isNullable || elementIsNullable
    probe.recordElement(node, isFirst: currentIndex == 0)
    currentIndex += 1
    return value
  }

  mutating func nestedContainer<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    nested().container(keyedBy: type)
  }

  mutating func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { nested().unkeyedContainer() }

  mutating func superDecoder() -> any Decoder { nested() }

  private mutating func nested() -> TypeProbe {
    currentIndex += 1
    let probe = self.probe
    return TypeProbe(probe.context.items) { probe.recordElement($0, isFirst: true) }
  }
}

struct KeyedProbe<Key: CodingKey>: KeyedDecodingContainerProtocol {
  let probe: TypeProbe
  /// Shared by the copies of this container.
  private let asked = AskedKeys()
  var codingPath: [any CodingKey] { probe.codingPath }

  init(probe: TypeProbe) { self.probe = probe }

  /// Who wants to know which keys there are takes any, as a dictionary does. "0" is a key of `[Int: …]` too.
  var allKeys: [Key] {
    guard let key = Key(stringValue: AskedKeys.dictionaryKey) else { return [] }
    asked.wantsAll = true
    return [key]
  }

  /// Whoever asks first can do without.
  func contains(_ key: Key) -> Bool {
    asked.optional.insert(key.stringValue)
    return true
  }

  func decodeNil(forKey key: Key) -> Bool {
    asked.nullable.insert(key.stringValue)
    return false
  }

  func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
    let (value, node) = try probe.context.field(key).value(of: type)
    record(node, forKey: key)
    return value
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedDecodingContainer<Nested> {
    nested(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer { nested(key).unkeyedContainer() }

  /// The key that `Encoder` and `Decoder` keep for a superclass.
  func superDecoder() -> any Decoder {
    let probe = self.probe
    return TypeProbe(probe.context) { node in
      probe.record(SchemaField(name: "super", isRequired: true, node: node))
    }
  }

  func superDecoder(forKey key: Key) -> any Decoder { nested(key) }

  private func nested(_ key: Key) -> TypeProbe { TypeProbe(probe.context.field(key)) { record($0, forKey: key) } }

  private func record(_ node: SchemaNode, forKey key: Key) {
    if asked.wantsAll && key.stringValue == AskedKeys.dictionaryKey { return probe.recordDictionaryValue(node) }
    var node = node
    let isRequired = !asked.optional.contains(key.stringValue)
    if isRequired && asked.nullable.contains(key.stringValue) { node.isNullable = true }
    probe.record(SchemaField(name: key.stringValue, isRequired: isRequired, node: node))
  }
}

private final class AskedKeys {
  static let dictionaryKey = "0"
  var wantsAll = false
  var optional: Set<String> = []
  var nullable: Set<String> = []
}
