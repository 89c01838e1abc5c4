import FoundationEssentials

/// Typed inputs and outputs from and to JSON, by Foundation's coders. Both are safe to share between threads as long as
/// nobody changes their options.
enum JSONCoding {
  private static let decoder = JSONDecoder()
  private static let encoder: JSONEncoder = {
    let encoder = JSONEncoder()
    // Sorted, because otherwise the order of an object's members differs from one process to the next.
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    return encoder
  }()

  static func decode<Value: Decodable>(_ type: Value.Type, from text: some Sequence<UInt8>) throws -> Value {
    try decoder.decode(type, from: Data(text))
  }

  static func encode(_ value: some Encodable) throws -> [UInt8] { Array(try encoder.encode(value)) }
}
