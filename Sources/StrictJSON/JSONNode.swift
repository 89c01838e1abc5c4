public enum JSONKind: UInt8, Sendable {
  case null, boolean, number, string, array, object

  /// With its article, as messages say it: `an object`.
  public var phrase: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

/// One value of a ``JSONDocument``. What is not of the kind asked for answers `nil`, or has no members and no elements.
public struct JSONNode: Sendable {
  let storage: JSONStorage
  let index: Int

  var entry: TapeEntry { storage.tape[index] }

  public var kind: JSONKind { entry.kind }

  public var isNull: Bool { kind == .null }

  public var boolValue: Bool? {
    // `true` is told from `false` by its length.
    kind == .boolean ? entry.end - entry.start == 4 : nil
  }

  /// Members of an object, elements of an array, else 0.
  public var count: Int { Int(entry.count) }

  /// The value's own text as it was sent, white space within included.
  public var rawSlice: ArraySlice<UInt8> { storage.bytes[Int(entry.start)..<Int(entry.end)] }

  /// A copy of ``rawSlice``.
  public var rawBytes: [UInt8] { Array(rawSlice) }

  // MARK: Strings

  /// A string, unescaped.
  public var stringValue: String? {
    guard kind == .string else { return nil }
    return withStringBody { body in
      if !entry.hasEscapes { return String(decoding: body, as: UTF8.self) }
      return String(unsafeUninitializedCapacity: body.count) { buffer in
        var written = 0
        Unescaping.forEachByte(of: body) { byte in
          buffer.initializeElement(at: written, to: byte)
          written += 1
        }
        return written
      }
    }
  }

  /// The UTF-8 of a string, unescaped.
  public var stringBytes: [UInt8]? {
    guard kind == .string else { return nil }
    return withStringBody { entry.hasEscapes ? Unescaping.bytes(of: $0) : Array($0) }
  }

  /// Whether this is the given string; without making one.
  func isString(_ wanted: String) -> Bool {
    guard kind == .string else { return false }
    if entry.hasEscapes { return stringBytes.map { $0.elementsEqual(wanted.utf8) } ?? false }
    let length = Int(entry.end - entry.start) - 2
    return withStringBody { wanted.utf8.count == length && wanted.utf8.elementsEqual($0) }
  }

  private func withStringBody<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    storage.bytes.withUnsafeBufferPointer {
      body(UnsafeBufferPointer(rebasing: $0[Int(entry.start) + 1..<Int(entry.end) - 1]))
    }
  }
}
