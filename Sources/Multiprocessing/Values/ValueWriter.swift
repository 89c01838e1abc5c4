/// Appends values to bytes. What has a form of its own in the format is written straight; anything else writes itself, through
/// a `ValueEncoder`.
struct ValueWriter {
  private(set) var bytes: [UInt8] = []
  /// Where open files go; `nil`: none may.
  let files: FileList?

  init(files: FileList?) { self.files = files }

  mutating func encode<Value: Encodable>(_ value: Value, at path: ValuePath?) throws {
    if putDirectly(value) { return }
    if let path, path.depth > ValueFormat.deepest {
      throw MalformedValue("it is nested more than \(ValueFormat.deepest) deep")
    }
    let encoder = ValueEncoder(files: files, path: path)
    try value.encode(to: encoder)
    put(encoder.finished())
  }

  mutating func putNothing() { bytes.append(ValueTag.nothing.rawValue) }

  mutating func put(_ more: [UInt8]) { bytes.append(contentsOf: more) }

  mutating func put(_ more: ArraySlice<UInt8>) { bytes.append(contentsOf: more) }

  mutating func put(_ tag: ValueTag) { bytes.append(tag.rawValue) }

  mutating func put(count: Int) {
    var rest = UInt(count)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func put(text: String) {
    var text = text
    text.withUTF8 { utf8 in
      put(count: utf8.count)
      bytes.append(contentsOf: utf8)
    }
  }

  /// True: the value's type is one of the format's own, and it is written.
  ///
  /// Casts are by bits, of types that were just compared: a dynamic cast takes longer than the rest of a small value.
  mutating func putDirectly<Value>(_ value: Value) -> Bool {
    if Value.self == String.self {
      put(.text)
      put(text: unsafeBitCast(value, to: String.self))
      return true
    }
    if Value.self == Bool.self {
      put(unsafeBitCast(value, to: Bool.self) ? .yes : .no)
      return true
    }
    return put(value, ifOf: Int.self) || put(value, ifOf: Double.self) || put(value, ifOf: UInt8.self)
      || put(value, ifOf: Float.self) || put(value, ifOf: Int64.self) || put(value, ifOf: Int32.self)
      || put(value, ifOf: UInt64.self) || put(value, ifOf: UInt32.self) || put(value, ifOf: UInt.self)
      || put(value, ifOf: Int16.self) || put(value, ifOf: UInt16.self) || put(value, ifOf: Int8.self)
      || put(value, ifOf: Int128.self) || put(value, ifOf: UInt128.self)
  }

  private mutating func put<Value, Number: FixedWidthNumber>(_ value: Value, ifOf type: Number.Type) -> Bool {
    if Value.self == Number.self {
      put(Number.tag)
      withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
      return true
    }
    if Value.self == [Number].self {
      let numbers = unsafeBitCast(value, to: [Number].self)
      put(.numbers)
      put(Number.tag)
      put(count: numbers.count)
      numbers.withUnsafeBytes { bytes.append(contentsOf: $0) }
      return true
    }
    return false
  }
}
