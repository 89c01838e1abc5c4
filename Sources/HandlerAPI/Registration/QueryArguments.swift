import StrictJSON

/// `args` from a query's `NAME=VALUE`: text that gets its types from a schema.
enum QueryArguments {
  static func json(
    _ items: [(name: String, value: String)], schema: InputSchema?
  ) throws(InputErrors) -> [UInt8] {
    var errors: [InputError] = []
    var seen: Set<String> = []
    var writer = JSONWriter()
    writer.beginObject()
    for (name, value) in items {
      guard errors.count < InputSchema.errorLimit else { break }
      let pointer = JSONPointer.root.appending(key: name).text
      guard seen.insert(name).inserted else {
        errors.append(InputError(pointer: pointer, detail: "is given twice"))
        continue
      }
      switch encoded(value, of: name, in: schema) {
      case .success(let text):
        writer.key(named: name)
        writer.raw(text)
      case .failure(let refusal): errors.append(InputError(pointer: pointer, detail: refusal.detail))
      }
    }
    writer.endObject()
    if !errors.isEmpty { throw InputErrors(errors) }
    return writer.bytes
  }

  private struct Refusal: Error {
    let detail: String
  }

  private static func encoded(_ value: String, of name: String, in schema: InputSchema?) -> Result<[UInt8], Refusal> {
    guard let form = schema?.root.form else {
      return .failure(Refusal(detail: SchemaValidation.unknownField(among: [])))
    }
    switch form {
    case .object(let fields):
      guard let field = fields.first(where: { $0.name == name }) else {
        return .failure(Refusal(detail: SchemaValidation.unknownField(among: fields)))
      }
      return encoded(value, as: field.node)
    case .dictionary(let node, _): return encoded(value, as: node)
    default: return encoded(value, as: .any)
    }
  }

  private static func encoded(_ value: String, as node: SchemaNode) -> Result<[UInt8], Refusal> {
    let bytes = Array(value.utf8)
    switch node.form {
    case .string: return .success(quoted(value))
    // What is not JSON was meant as text.
    case .any: return .success(kind(of: bytes) == nil ? quoted(value) : bytes)
    case .boolean where kind(of: bytes) == .boolean, .integer where kind(of: bytes) == .number,
      .number where kind(of: bytes) == .number, .array where kind(of: bytes) == .array,
      .dictionary where kind(of: bytes) == .object, .object where kind(of: bytes) == .object:
      return .success(bytes)
    case .boolean: return .failure(Refusal(detail: "must be true or false"))
    case .integer, .number: return .failure(Refusal(detail: "must be \(node.phrase)"))
    case .array, .dictionary, .object: return .failure(Refusal(detail: "must be \(node.phrase), written as JSON"))
    }
  }

  private static func kind(of bytes: [UInt8]) -> JSONKind? { (try? JSONDocument.parse(bytes))?.root.kind }

  private static func quoted(_ value: String) -> [UInt8] {
    var writer = JSONWriter()
    writer.string(value)
    return writer.bytes
  }
}
