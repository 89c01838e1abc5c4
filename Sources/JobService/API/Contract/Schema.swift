import StrictJSON

/// A JSON Schema of draft 2020-12, which is what OpenAPI 3.1 uses, put together from small parts.
struct Schema: Sendable, Equatable {
  /// What stands between its braces, as JSON text.
  private let members: String

  private init(_ members: String) { self.members = members }

  /// The schema as JSON text.
  var text: String { "{\(members)}" }

  // MARK: - Values

  /// Whatever JSON there is.
  static let any = Schema("")
  static let null = Schema(#""type":"null""#)
  static let boolean = Schema(#""type":"boolean""#)

  static func integer(_ range: PartialRangeFrom<Int>) -> Schema {
    Schema(#""type":"integer","minimum":\#(range.lowerBound)"#)
  }

  static let anyInteger = Schema(#""type":"integer""#)

  static func integer(_ range: ClosedRange<Int>) -> Schema {
    Schema(#""type":"integer","minimum":\#(range.lowerBound),"maximum":\#(range.upperBound)"#)
  }

  static func number(from least: Int) -> Schema { Schema(#""type":"number","minimum":\#(least)"#) }

  static let string = Schema(#""type":"string""#)

  /// - Parameter length: in Unicode scalars.
  static func string(length: ClosedRange<Int>) -> Schema {
    Schema(#""type":"string","minLength":\#(length.lowerBound),"maxLength":\#(length.upperBound)"#)
  }

  static func string(format: String) -> Schema { Schema(#""type":"string","format":\#(quoted(format))"#) }
  /// - Parameter pattern: a regular expression of ECMA-262 that the whole text fits.
  static func string(pattern: String) -> Schema { Schema(#""type":"string","pattern":\#(quoted("^(?:\(pattern))$"))"#) }

  static func string(oneOf values: [String]) -> Schema {
    Schema(#""type":"string","enum":[\#(values.map(quoted).joined(separator: ","))]"#)
  }

  // MARK: - Containers

  struct Property: Sendable {
    let name: String
    let schema: Schema
    let isRequired: Bool

    init(_ name: String, _ schema: Schema, isRequired: Bool = true) {
      self.name = name
      self.schema = schema
      self.isRequired = isRequired
    }

    static func optional(_ name: String, _ schema: Schema) -> Property { Property(name, schema, isRequired: false) }
  }

  /// An object with these members and no others, unless it is `open`.
  static func object(_ properties: [Property], open: Bool = false) -> Schema {
    let list = properties.map { "\(quoted($0.name)):\($0.schema.text)" }.joined(separator: ",")
    let required = properties.filter(\.isRequired).map { quoted($0.name) }.joined(separator: ",")
    var members = #""type":"object","properties":{\#(list)}"#
    if !required.isEmpty { members += #","required":[\#(required)]"# }
    if !open { members += #","additionalProperties":false"# }
    return Schema(members)
  }

  /// An object whose members have any names.
  static func map(of value: Schema) -> Schema { Schema(#""type":"object","additionalProperties":\#(value.text)"#) }

  static func array(of element: Schema, _ counts: ClosedRange<Int>? = nil) -> Schema {
    let limits = counts.map { #","minItems":\#($0.lowerBound),"maxItems":\#($0.upperBound)"# } ?? ""
    return Schema(#""type":"array","items":\#(element.text)\#(limits)"#)
  }

  // MARK: - Combinations

  /// A schema of ``Contract/components``.
  static func reference(_ name: String) -> Schema { Schema(##""$ref":"#/components/schemas/\##(name)""##) }

  /// JSON text of a schema, an object.
  static func text(_ text: [UInt8]) -> Schema { Schema(String(decoding: text.dropFirst().dropLast(), as: UTF8.self)) }

  static func any(of schemas: [Schema]) -> Schema {
    Schema(#""anyOf":[\#(schemas.map(\.text).joined(separator: ","))]"#)
  }

  static func one(of schemas: [Schema]) -> Schema {
    Schema(#""oneOf":[\#(schemas.map(\.text).joined(separator: ","))]"#)
  }

  var orNull: Schema { .any(of: [self, .null]) }

  /// The same with a further keyword, whose value is JSON text.
  func with(_ keyword: String, _ value: String) -> Schema {
    Schema(members + (members.isEmpty ? "" : ",") + "\(Self.quoted(keyword)):\(value)")
  }

  func described(_ text: String) -> Schema { with("description", Self.quoted(text)) }

  static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
