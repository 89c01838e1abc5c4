import StrictJSON

/// A schema as JSON Schema, draft 2020-12 (https://json-schema.org/draft/2020-12).
enum JSONSchemaText {
  static func write(_ root: SchemaNode) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("$schema")
    writer.string("https://json-schema.org/draft/2020-12/schema")
    writeMembers(of: root, to: &writer)
    writer.endObject()
    return writer.bytes
  }

  /// As a part of another document, which says the dialect.
  static func writePart(_ root: SchemaNode) -> [UInt8] {
    var writer = JSONWriter()
    write(root, to: &writer)
    return writer.bytes
  }

  private static func write(_ node: SchemaNode, to writer: inout JSONWriter) {
    writer.beginObject()
    writeMembers(of: node, to: &writer)
    writer.endObject()
  }

  private static func writeMembers(of node: SchemaNode, to writer: inout JSONWriter) {
    if let description = node.description {
      writer.key("description")
      writer.string(description)
    }
    switch node.form {
    case .any: break
    case .boolean: writeType("boolean", node, to: &writer)
    case .integer(let range, let oneOf):
      writeType("integer", node, to: &writer)
      writeEnum(oneOf, node, to: &writer) { $0.int($1) }
      // The limits of a 64-bit integer say nothing that a client wants to know.
      if range.lowerBound > Int128(Int64.min) { writer.member("minimum", range.lowerBound) }
      if range.upperBound < Int128(Int64.max) { writer.member("maximum", range.upperBound) }
    case .number(let range):
      writeType("number", node, to: &writer)
      if range.lowerBound > -Double(Float.greatestFiniteMagnitude) { writer.member("minimum", range.lowerBound) }
      if range.upperBound < Double(Float.greatestFiniteMagnitude) { writer.member("maximum", range.upperBound) }
    case .string(let length, let oneOf):
      writeType("string", node, to: &writer)
      writeEnum(oneOf, node, to: &writer) { $0.string($1) }
      writeLimits("minLength", "maxLength", length, to: &writer)
    case .array(let element, let count):
      writeType("array", node, to: &writer)
      writer.key("items")
      write(element, to: &writer)
      writeLimits("minItems", "maxItems", count, to: &writer)
    case .dictionary(let value, let count):
      writeType("object", node, to: &writer)
      writer.key("additionalProperties")
      write(value, to: &writer)
      writeLimits("minProperties", "maxProperties", count, to: &writer)
    case .object(let fields):
      writeType("object", node, to: &writer)
      writeFields(fields, to: &writer)
    }
  }

  private static func writeFields(_ fields: [SchemaField], to writer: inout JSONWriter) {
    writer.key("properties")
    writer.beginObject()
    for field in fields {
      writer.key(named: field.name)
      var node = field.node
      // `null` is the same as leaving it out.
      node.isNullable = node.isNullable || !field.isRequired
      write(node, to: &writer)
    }
    writer.endObject()
    let required = fields.filter(\.isRequired)
    if !required.isEmpty {
      writer.key("required")
      writer.beginArray()
      for field in required { writer.string(field.name) }
      writer.endArray()
    }
    writer.key("additionalProperties")
    writer.bool(false)
  }

  private static func writeType(_ name: String, _ node: SchemaNode, to writer: inout JSONWriter) {
    writer.key("type")
    if node.isNullable {
      writer.beginArray()
      writer.string(name)
      writer.string("null")
      writer.endArray()
    } else {
      writer.string(name)
    }
  }

  private static func writeEnum<Value>(
    _ values: [Value]?, _ node: SchemaNode, to writer: inout JSONWriter, _ write: (inout JSONWriter, Value) -> Void
  ) {
    guard let values else { return }
    writer.key("enum")
    writer.beginArray()
    for value in values { write(&writer, value) }
    if node.isNullable { writer.null() }
    writer.endArray()
  }

  private static func writeLimits(
    _ lowest: StaticString, _ highest: StaticString, _ range: ClosedRange<Int>, to writer: inout JSONWriter
  ) {
    if range.lowerBound > 0 { writer.member(lowest, range.lowerBound) }
    if range.upperBound < Int.max { writer.member(highest, range.upperBound) }
  }
}

extension JSONWriter {
  fileprivate mutating func member(_ name: StaticString, _ value: some FixedWidthInteger) {
    key(name)
    int(value)
  }
  fileprivate mutating func member(_ name: StaticString, _ value: Double) {
    key(name)
    double(value)
  }
}
