import StrictJSON

/// What a handler takes: `args`, a request body, or either; and the checks of it.
struct InputForm: Sendable {
  let acceptsRawBody: Bool
  let withoutBody: InputSchema?
  let besideBody: InputSchema?
  /// Decodes `args` that fit the schema; throws what is still wrong.
  private var decodeWithoutBody: @Sendable (ArraySlice<UInt8>) throws -> Void = { _ in }
  private var decodeBesideBody: @Sendable (ArraySlice<UInt8>) throws -> Void = { _ in }

  init(acceptsRawBody: Bool, withoutBody: InputSchema?, besideBody: InputSchema?) {
    self.acceptsRawBody = acceptsRawBody
    self.withoutBody = withoutBody
    self.besideBody = besideBody
  }

  init<H: Handler>(of type: H.Type) throws(HandlerRegistrationError) {
    if type.Input.self == RawBody.self {
      try self.init(rawBodyOf: type)
      return
    }
    if type.argumentsInsteadOfBody != nil || type.argumentsBesideBody != nil {
      throw HandlerRegistrationError("only a handler whose Input is RawBody has arguments instead of or beside it")
    }
    if type.Input.self == RawJSON.self {
      if let constraint = type.constraints.first { throw Self.noField(constraint) }
      self.init(acceptsRawBody: false, withoutBody: .anything, besideBody: nil)
    } else {
      let schema = try InputSchema(of: type.Input.self, constraints: type.constraints)
      self.init(acceptsRawBody: false, withoutBody: schema, besideBody: nil)
    }
    decodeWithoutBody = { text in
      let errors = type.validate(try TypedRun<H>.decode(Array(text)))
      if !errors.isEmpty { throw InputErrors(errors) }
    }
  }

  /// A constraint must be on a field of the one or of the other kind of arguments.
  private init<H: Handler>(rawBodyOf type: H.Type) throws(HandlerRegistrationError) {
    var schemas: [InputSchema?] = []
    var used: Set<String> = []
    for arguments in [type.argumentsInsteadOfBody, type.argumentsBesideBody] {
      guard let arguments else {
        schemas.append(nil)
        continue
      }
      let root = try TypeProbe.schema(of: arguments, constraints: type.constraints)
      let suitable = type.constraints.filter { root.hasField($0) }
      used.formUnion(suitable.map(\.field))
      schemas.append(try InputSchema(of: arguments, constraints: suitable))
    }
    if let stranger = type.constraints.first(where: { !used.contains($0.field) }) { throw Self.noField(stranger) }
    self.init(acceptsRawBody: true, withoutBody: schemas[0], besideBody: schemas[1])
    if let arguments = type.argumentsInsteadOfBody { decodeWithoutBody = Self.decoding(arguments) }
    if let arguments = type.argumentsBesideBody { decodeBesideBody = Self.decoding(arguments) }
  }

  private static func decoding<Arguments: Decodable & Sendable>(
    _ type: Arguments.Type
  ) -> @Sendable (ArraySlice<UInt8>) throws -> Void {
    { _ = try JSONCoding.decode(type, from: $0) }
  }

  private static func noField(_ constraint: InputConstraint) -> HandlerRegistrationError {
    HandlerRegistrationError("the constraint on \"\(constraint.field)\" names no field of the input")
  }

  func check(_ node: JSONNode, hasBody: Bool) -> [InputError] {
    if hasBody && !acceptsRawBody {
      return [InputError(pointer: "", detail: "cannot come with a request body: this handler takes arguments only")]
    }
    guard let schema = hasBody ? besideBody : withoutBody else {
      if !hasBody {
        return [InputError(pointer: "", detail: "is not enough: this handler needs a request body as its input")]
      }
      return InputSchema(root: SchemaNode(form: .object([]))).validate(node)
    }
    let errors = schema.validate(node)
    if !errors.isEmpty { return errors }
    do {
      try (hasBody ? decodeBesideBody : decodeWithoutBody)(node.rawSlice)
      return []
    } catch let errors as InputErrors {
      return Array(errors.errors.prefix(InputSchema.errorLimit))
    } catch {
      return [InputError(decoding: error)]
    }
  }
}
