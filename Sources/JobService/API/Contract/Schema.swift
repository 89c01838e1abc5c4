import StrictJSON

/// A JSON Schema of draft 2020-12, which is what OpenAPI 3.1 uses, put together from small parts.
struct Schema: Sendable, Equatable {
  /// What stands between its braces, as JSON text.
  private let members: String
  /// In a few words, for people.
  let phrase: String

  private init(_ phrase: String, _ members: String) {
    self.phrase = phrase
    self.members = members
  }

  /// The schema as JSON text.
  var text: String { "{\(members)}" }

  // MARK: - Values

  /// Whatever JSON there is.
  static let any = Schema("any JSON", "")
  static let null = Schema("null", #""type":"null""#)
  static let boolean = Schema("true or false", #""type":"boolean""#)

  static func integer(_ range: PartialRangeFrom<Int>) -> Schema {
    Schema("integer from \(range.lowerBound)", #""type":"integer","minimum":\#(range.lowerBound)"#)
  }

  static let anyInteger = Schema("integer", #""type":"integer""#)

  static func integer(_ range: ClosedRange<Int>) -> Schema {
    Schema(
      "integer, \(range.lowerBound) to \(range.upperBound)",
      #""type":"integer","minimum":\#(range.lowerBound),"maximum":\#(range.upperBound)"#)
  }

  static func number(from least: Int) -> Schema {
    Schema("number from \(least)", #""type":"number","minimum":\#(least)"#)
  }

  static let string = Schema("text", #""type":"string""#)

  /// - Parameter length: in Unicode scalars.
  static func string(length: ClosedRange<Int>) -> Schema {
    Schema(
      "text of \(length.lowerBound) to \(length.upperBound) characters",
      #""type":"string","minLength":\#(length.lowerBound),"maxLength":\#(length.upperBound)"#)
  }

  /// A handler's or a queue's name.
  static let name = Schema.string(pattern: "[a-z0-9_]{1,64}", phrase: "name")

  static func string(format: String) -> Schema {
    Schema(format, #""type":"string","format":\#(quoted(format))"#)
  }

  /// - Parameter pattern: a regular expression of ECMA-262 that the whole text fits.
  static func string(pattern: String, phrase: String = "text") -> Schema {
    Schema(phrase, #""type":"string","pattern":\#(quoted("^(?:\(pattern))$"))"#)
  }

  static func string(oneOf values: [String]) -> Schema {
    Schema(
      values.joined(separator: ", "), #""type":"string","enum":[\#(values.map(quoted).joined(separator: ","))]"#)
  }

  /// A string that is itself JSON text.
  static func json(_ content: Schema) -> Schema {
    Schema("JSON as text", #""type":"string","contentMediaType":"application/json","contentSchema":\#(content.text)"#)
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
    return Schema("object", members)
  }

  /// An object whose members have any names.
  static func map(of value: Schema) -> Schema {
    Schema("object", #""type":"object","additionalProperties":\#(value.text)"#)
  }

  static func array(of element: Schema, _ counts: ClosedRange<Int>? = nil) -> Schema {
    let limits = counts.map { #","minItems":\#($0.lowerBound),"maxItems":\#($0.upperBound)"# } ?? ""
    return Schema("array of \(element.phrase)", #""type":"array","items":\#(element.text)\#(limits)"#)
  }

  // MARK: - Combinations

  /// A schema of ``Contract/components``.
  static func reference(_ name: String) -> Schema {
    Schema(name, ##""$ref":"#/components/schemas/\##(name)""##)
  }

  /// JSON text of a schema, an object.
  static func text(_ text: [UInt8]) -> Schema {
    Schema("JSON", String(decoding: text.dropFirst().dropLast(), as: UTF8.self))
  }

  static func any(of schemas: [Schema]) -> Schema {
    Schema(
      schemas.map(\.phrase).joined(separator: " or "), #""anyOf":[\#(schemas.map(\.text).joined(separator: ","))]"#)
  }

  static func one(of schemas: [Schema]) -> Schema {
    Schema("one of several", #""oneOf":[\#(schemas.map(\.text).joined(separator: ","))]"#)
  }

  var orNull: Schema { .any(of: [self, .null]) }

  /// The same with a further keyword, whose value is JSON text.
  func with(_ keyword: String, _ value: String) -> Schema {
    Schema(phrase, members + (members.isEmpty ? "" : ",") + "\(Self.quoted(keyword)):\(value)")
  }

  func described(_ text: String) -> Schema { with("description", Self.quoted(text)) }

  static func quoted(_ text: String) -> String {
    var writer = JSONWriter()
    writer.string(text)
    return String(decoding: writer.bytes, as: UTF8.self)
  }
}
