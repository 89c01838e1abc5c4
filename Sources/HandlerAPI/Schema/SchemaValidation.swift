import StrictJSON

/// One check of a value against a schema: collects what is wrong, and where.
struct SchemaValidation {
  private enum Step {
    case key(String)
    case index(Int)
  }
  private(set) var errors: [InputError] = []
  /// The way from the root to what is being looked at. Pointers are only made of it when something is wrong.
  private var path: [Step] = []

  private var isFull: Bool { errors.count >= InputSchema.errorLimit }

  mutating func check(_ node: JSONNode, against schema: SchemaNode) {
    if node.isNull && schema.isNullable { return }
    switch schema.form {
    case .any: break
    case .boolean: if node.kind != .boolean { refuse("must be true or false, not \(node.kind.phrase)") }
    case .integer(let range, let oneOf): checkInteger(node, range, oneOf)
    case .number(let range): checkNumber(node, range)
    case .string(let length, let oneOf): checkString(node, length, oneOf)
    case .array(let element, let count):
      guard node.kind == .array else { return refuse("must be an array, not \(node.kind.phrase)") }
      checkCount(node.count, count, of: "element")
      for (index, item) in node.elements.enumerated() {
        if isFull { return }
        at(.index(index)) { $0.check(item, against: element) }
      }
    case .dictionary(let value, let count):
      guard node.kind == .object else { return refuse("must be an object, not \(node.kind.phrase)") }
      checkCount(node.count, count, of: "member")
      for (key, item) in node.members {
        if isFull { return }
        at(.key(key)) { $0.check(item, against: value) }
      }
    case .object(let fields): checkObject(node, fields)
    }
  }

  private mutating func checkObject(_ node: JSONNode, _ fields: [SchemaField]) {
    guard node.kind == .object else { return refuse("must be an object, not \(node.kind.phrase)") }
    for field in fields where field.isRequired && node[field.name] == nil {
      at(.key(field.name)) { $0.refuse("is required") }
    }
    for (key, value) in node.members {
      if isFull { return }
      guard let field = fields.first(where: { $0.name == key }) else {
        at(.key(key)) { $0.refuse(Self.unknownField(among: fields)) }
        continue
      }
      // Left out, by saying so.
      if value.isNull && !field.isRequired { continue }
      at(.key(key)) { $0.check(value, against: field.node) }
    }
  }

  static func unknownField(among fields: [SchemaField]) -> String {
    if fields.isEmpty { return "is not a field of this input, which has none" }
    let names = fields.prefix(10).map(\.name).joined(separator: ", ")
    return "is not a field of this input; it has \(names)\(fields.count > 10 ? ", …" : "")"
  }

  // MARK: Scalars

  private mutating func checkInteger(_ node: JSONNode, _ range: ClosedRange<Int128>, _ oneOf: [Int]?) {
    guard node.kind == .number else { return refuse("must be an integer, not \(node.kind.phrase)") }
    guard let value = node.integer(as: Int128.self) ?? Self.beyondAll(node) else { return refuse("must be an integer") }
    if let oneOf, !oneOf.contains(where: { Int128($0) == value }) {
      return refuse("must be one of \(oneOf.map(String.init).joined(separator: ", "))")
    }
    checkRange(value, range)
  }

  /// What no Int128 holds is beyond every range, on the side of its sign; `nil` if it is no integer.
  private static func beyondAll(_ node: JSONNode) -> Int128? {
    if !node.isIntegral { return nil }
    return node.rawSlice.first == UInt8(ascii: "-") ? .min : .max
  }

  private mutating func checkNumber(_ node: JSONNode, _ range: ClosedRange<Double>) {
    guard node.kind == .number else { return refuse("must be a number, not \(node.kind.phrase)") }
    checkRange(node.doubleValue ?? (node.rawSlice.first == UInt8(ascii: "-") ? -.infinity : .infinity), range)
  }

  private mutating func checkRange<Bound>(_ value: Bound, _ range: ClosedRange<Bound>) {
    if value < range.lowerBound { refuse("must be at least \(range.lowerBound)") }
    if value > range.upperBound { refuse("must be at most \(range.upperBound)") }
  }

  private mutating func checkString(_ node: JSONNode, _ length: ClosedRange<Int>, _ oneOf: [String]?) {
    guard let value = node.stringValue else { return refuse("must be a string, not \(node.kind.phrase)") }
    if let oneOf, !oneOf.contains(value) {
      let names = oneOf.prefix(20).map { "\"\($0)\"" }.joined(separator: ", ")
      return refuse("must be one of \(names)\(oneOf.count > 20 ? ", …" : "")")
    }
    if length != 0...Int.max { checkCount(value.unicodeScalars.count, length, of: "character") }
  }

  private mutating func checkCount(_ count: Int, _ range: ClosedRange<Int>, of unit: String) {
    func phrase(_ number: Int) -> String { "\(number) \(unit)\(number == 1 ? "" : "s")" }
    if count < range.lowerBound { refuse("must have at least \(phrase(range.lowerBound)), has \(count)") }
    if count > range.upperBound { refuse("must have at most \(phrase(range.upperBound)), has \(count)") }
  }

  // MARK: Places

  private mutating func at(_ step: Step, _ body: (inout SchemaValidation) -> Void) {
    path.append(step)
    body(&self)
    path.removeLast()
  }

  private mutating func refuse(_ detail: String) {
    if isFull { return }
    let pointer = path.reduce(JSONPointer.root) { pointer, step in
      switch step {
      case .key(let key): pointer.appending(key: key)
      case .index(let index): pointer.appending(index: index)
      }
    }
    errors.append(InputError(pointer: pointer.text, detail: detail))
  }
}
