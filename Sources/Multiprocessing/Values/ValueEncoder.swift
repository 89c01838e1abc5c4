/// What a value that is not of the format's own types writes itself into.
final class ValueEncoder: Encoder {
  let path: ValuePath?
  let userInfo: [CodingUserInfoKey: Any]
  private let files: FileList?
  private var store: ValueStore?

  init(files: FileList?, path: ValuePath?) {
    self.files = files
    self.path = path
    userInfo = files.map { [FileList.key: $0] } ?? [:]
  }

  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(KeyedValueEncoder<Key>(store: store(.keyed), path: path))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    UnkeyedValueEncoder(store: store(.sequence), path: path)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    SingleValueEncoder(store: store(.single), path: path)
  }

  /// A value's own bytes; those of one that wrote nothing are an empty keyed container's.
  func finished() -> [UInt8] { store(store?.kind ?? .keyed).finished() }

  /// A value may ask for its container more than once (a class and its superclass), but always for the same kind.
  private func store(_ kind: ValueStore.Kind) -> ValueStore {
    if let store {
      precondition(store.kind == kind, "a value encodes itself into containers of one kind only")
      return store
    }
    let made = ValueStore(kind, files: files)
    store = made
    return made
  }
}

/// What was written into one container up to now.
final class ValueStore {
  enum Kind { case single, sequence, keyed }

  let kind: Kind
  private(set) var count = 0
  private var writer: ValueWriter
  /// Containers within this one that may still be written into, each with its place among the bytes.
  private var open: [(offset: Int, encoder: ValueEncoder)] = []

  init(_ kind: Kind, files: FileList?) {
    self.kind = kind
    writer = ValueWriter(files: files)
  }

  func put<Value: Encodable>(_ value: Value, key: (any CodingKey)?, at path: ValuePath?) throws {
    begin(key)
    try writer.encode(value, at: path)
  }

  func putNothing(key: (any CodingKey)?) {
    begin(key)
    writer.putNothing()
  }

  func nested(key: (any CodingKey)?, at path: ValuePath) -> ValueEncoder {
    begin(key)
    let encoder = ValueEncoder(files: writer.files, path: path)
    open.append((writer.bytes.count, encoder))
    return encoder
  }

  private func begin(_ key: (any CodingKey)?) {
    precondition(kind != .single || count == 0, "a single value container takes one value")
    count += 1
    if let key { writer.put(text: key.stringValue) }
  }

  func finished() -> [UInt8] {
    if kind == .single { return count == 0 ? [ValueTag.nothing.rawValue] : writer.bytes }
    var content = ValueWriter(files: nil)
    content.put(count: count)
    var done = 0
    for (offset, encoder) in open {
      content.put(writer.bytes[done..<offset])
      content.put(encoder.finished())
      done = offset
    }
    content.put(writer.bytes[done...])
    var whole = ValueWriter(files: nil)
    whole.put(kind == .keyed ? .keyed : .sequence)
    whole.put(count: content.bytes.count)
    whole.put(content.bytes)
    return whole.bytes
  }
}

// The generic `encode` of each container also meets the protocol's requirements for Bool, String and the numbers.

private struct KeyedValueEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let store: ValueStore
  let path: ValuePath?
  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }

  func encodeNil(forKey key: Key) { store.putNothing(key: key) }

  func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
    try store.put(value, key: key, at: ValuePath(key, in: path))
  }

  func nestedContainer<NestedKey: CodingKey>(
    keyedBy type: NestedKey.Type, forKey key: Key
  ) -> KeyedEncodingContainer<NestedKey> {
    store.nested(key: key, at: ValuePath(key, in: path)).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    store.nested(key: key, at: ValuePath(key, in: path)).unkeyedContainer()
  }

  func superEncoder() -> any Encoder {
    store.nested(key: ValueKey.superclass, at: ValuePath(ValueKey.superclass, in: path))
  }

  func superEncoder(forKey key: Key) -> any Encoder { store.nested(key: key, at: ValuePath(key, in: path)) }
}

private struct UnkeyedValueEncoder: UnkeyedEncodingContainer {
  let store: ValueStore
  let path: ValuePath?
  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }
  var count: Int { store.count }

  private var here: ValuePath { ValuePath(ValueKey(index: store.count), in: path) }

  func encodeNil() { store.putNothing(key: nil) }

  func encode<Value: Encodable>(_ value: Value) throws { try store.put(value, key: nil, at: here) }

  func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> {
    store.nested(key: nil, at: here).container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { store.nested(key: nil, at: here).unkeyedContainer() }

  func superEncoder() -> any Encoder { store.nested(key: nil, at: here) }
}

private struct SingleValueEncoder: SingleValueEncodingContainer {
  let store: ValueStore
  let path: ValuePath?
  var codingPath: [any CodingKey] { ValuePath.keys(of: path) }

  func encodeNil() { store.putNothing(key: nil) }

  func encode<Value: Encodable>(_ value: Value) throws {
    try store.put(value, key: nil, at: ValuePath(nil, in: path))
  }
}
