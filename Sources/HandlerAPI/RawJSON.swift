import StrictJSON

/// Any JSON, as it was sent: numbers and strings keep their spelling. Use it as a handler's `Input` to take whatever there
/// is, or as its `Output` to return text that is JSON already.
public struct RawJSON: Sendable, Equatable {
  /// A JSON text.
  public let bytes: [UInt8]

  /// - Throws: `JSONSyntaxError` if that is not JSON.
  public init(_ bytes: [UInt8]) throws(JSONSyntaxError) {
    _ = try JSONDocument.parse(bytes)
    self.bytes = bytes
  }

  /// - Parameter bytes: known to be JSON.
  init(checked bytes: [UInt8]) { self.bytes = bytes }
}

extension RawJSON: Codable {
  /// It stands for a whole text; a type that nests one cannot be decoded, for Foundation does not give out its text.
  public init(from decoder: any Decoder) throws {
    throw DecodingError.dataCorrupted(
      .init(codingPath: decoder.codingPath, debugDescription: "RawJSON must be the whole Input of a handler"))
  }

  public func encode(to encoder: any Encoder) throws {
    throw EncodingError.invalidValue(
      self, .init(codingPath: encoder.codingPath, debugDescription: "RawJSON must be the whole Output of a handler"))
  }
}
