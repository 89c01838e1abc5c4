// The bytes of a value: a tag, and what the tag says, in the host's byte order.
//
//   nothing, no, yes     tag
//   int8 … double        tag, the number as it lies in memory
//   text                 tag, byte count, UTF-8
//   numbers              tag, tag of the element, count, the numbers as they lie in memory
//   sequence             tag, byte count of what follows, count, values
//   keyed                tag, byte count of what follows, count, (byte count, key in UTF-8, value) …
//
// Counts are LEB128: seven bits a byte, the lowest first, the eighth bit says that more follow.

enum ValueTag: UInt8 {
  case nothing, no, yes
  case int8, uint8, int16, uint16, int32, uint32, int64, uint64, int128, uint128
  case float, double
  case text, numbers, sequence, keyed
}

enum ValueFormat {
  /// Values in values; a stack of 8 MB bears ten times as many.
  static let deepest = 256
}

/// A number that is its bytes: copied, never converted.
protocol FixedWidthNumber: BitwiseCopyable, Codable {
  static var tag: ValueTag { get }
}

extension Int: FixedWidthNumber { static var tag: ValueTag { .int64 } }
extension Int8: FixedWidthNumber { static var tag: ValueTag { .int8 } }
extension Int16: FixedWidthNumber { static var tag: ValueTag { .int16 } }
extension Int32: FixedWidthNumber { static var tag: ValueTag { .int32 } }
extension Int64: FixedWidthNumber { static var tag: ValueTag { .int64 } }
extension Int128: FixedWidthNumber { static var tag: ValueTag { .int128 } }
extension UInt: FixedWidthNumber { static var tag: ValueTag { .uint64 } }
extension UInt8: FixedWidthNumber { static var tag: ValueTag { .uint8 } }
extension UInt16: FixedWidthNumber { static var tag: ValueTag { .uint16 } }
extension UInt32: FixedWidthNumber { static var tag: ValueTag { .uint32 } }
extension UInt64: FixedWidthNumber { static var tag: ValueTag { .uint64 } }
extension UInt128: FixedWidthNumber { static var tag: ValueTag { .uint128 } }
extension Float: FixedWidthNumber { static var tag: ValueTag { .float } }
extension Double: FixedWidthNumber { static var tag: ValueTag { .double } }

extension ValueTag {
  /// Bytes of a number with this tag; `nil`: it is none.
  var numberByteCount: Int? {
    switch self {
    case .int8, .uint8: 1
    case .int16, .uint16: 2
    case .int32, .uint32, .float: 4
    case .int64, .uint64, .double: 8
    case .int128, .uint128: 16
    case .nothing, .no, .yes, .text, .numbers, .sequence, .keyed: nil
    }
  }
}

/// What is wrong with a value or its bytes, on the way to becoming a ``ValueCodingError``.
struct MalformedValue: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }

  /// An error's reason in words, with the place in the value where that is known.
  static func reason(_ error: any Error) -> String {
    switch error {
    case let error as MalformedValue: error.reason
    case EncodingError.invalidValue(_, let context): text(context.codingPath, context.debugDescription)
    case DecodingError.dataCorrupted(let context): text(context.codingPath, context.debugDescription)
    case DecodingError.keyNotFound(_, let context): text(context.codingPath, context.debugDescription)
    case DecodingError.typeMismatch(_, let context): text(context.codingPath, context.debugDescription)
    case DecodingError.valueNotFound(_, let context): text(context.codingPath, context.debugDescription)
    default: "\(error)"
    }
  }

  private static func text(_ path: [any CodingKey], _ what: String) -> String {
    path.isEmpty ? what : "\(path.map(\.stringValue).joined(separator: ".")): \(what)"
  }
}

/// Where in a value one is: made at every step, read only for an error's message.
final class ValuePath {
  /// `nil`: the same place, one value deeper (a value that is another's only content).
  let key: (any CodingKey)?
  let parent: ValuePath?
  let depth: Int

  init(_ key: (any CodingKey)?, in parent: ValuePath?) {
    self.key = key
    self.parent = parent
    depth = (parent?.depth ?? 0) + 1
  }

  static func keys(of path: ValuePath?) -> [any CodingKey] {
    var keys: [any CodingKey] = []
    var next = path
    while let step = next {
      if let key = step.key { keys.append(key) }
      next = step.parent
    }
    return keys.reversed()
  }
}

/// The place of an element, or of a superclass's values.
struct ValueKey: CodingKey {
  let stringValue: String
  let intValue: Int?

  init(index: Int) {
    stringValue = "\(index)"
    intValue = index
  }
  init(stringValue: String) {
    self.stringValue = stringValue
    intValue = nil
  }
  init(intValue: Int) { self.init(index: intValue) }

  static let superclass = ValueKey(stringValue: "super")
}
