import FoundationEssentials

/// Where in an input a probe is, and what it answers there.
struct ProbeContext {
  private let constraints: [InputConstraint]
  /// As constraints name it: `box.sizes[]`.
  private let path: String
  let codingPath: [any CodingKey]
  /// The types around this place. One that comes twice contains itself, and would never end.
  private let surrounding: [any Decodable.Type]

  init(constraints: [InputConstraint]) {
    self.init(constraints: constraints, path: "", codingPath: [], surrounding: [])
  }

  private init(
    constraints: [InputConstraint], path: String, codingPath: [any CodingKey], surrounding: [any Decodable.Type]
  ) {
    self.constraints = constraints
    self.path = path
    self.codingPath = codingPath
    self.surrounding = surrounding
  }

  func field(_ key: any CodingKey) -> ProbeContext {
    ProbeContext(
      constraints: constraints, path: path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)",
      codingPath: codingPath + [key], surrounding: surrounding)
  }

  var items: ProbeContext {
    ProbeContext(constraints: constraints, path: path + "[]", codingPath: codingPath, surrounding: surrounding)
  }

  private func inside(_ type: any Decodable.Type) -> ProbeContext {
    ProbeContext(constraints: constraints, path: path, codingPath: codingPath, surrounding: surrounding + [type])
  }

  func node<Value: Decodable>(of type: Value.Type) throws -> SchemaNode { try value(of: type).node }

  /// A made-up value of the type, and what the type can be decoded from.
  func value<Value: Decodable>(of type: Value.Type) throws -> (value: Value, node: SchemaNode) {
    if let (value, node) = scalar(type) ?? foundationValue(type) ?? listedCase(type), let value = value as? Value {
      return (value, node)
    }
    if surrounding.contains(where: { $0 == type }) {
      throw HandlerRegistrationError("\(place) is of type \(type), which contains itself; such an input has no schema")
    }
    let probe = TypeProbe(inside(type))
    do {
      return (try Value(from: probe), probe.node)
    } catch let error as HandlerRegistrationError {
      throw error
    } catch {
      throw HandlerRegistrationError(
        """
        \(place) is of type \(type), whose init(from:) refuses the value made up to learn its schema; \
        make it CaseIterable if it is an enum, else state a constraint, whose lowest or first value is then taken
        """)
    }
  }

  private var place: String { path.isEmpty ? "the input" : "the field \"\(path)\"" }

  // MARK: Answers

  private typealias Answer = (value: Any, node: SchemaNode)

  private func scalar(_ type: any Decodable.Type) -> Answer? {
    switch type {
    case is Bool.Type: return (false, SchemaNode(form: .boolean))
    case is String.Type: return (sampleString, .string)
    case is Double.Type: return (sampleNumber, .number)
    case is Float.Type: return (Float(sampleNumber), .number(Float.self))
    case let integer as any FixedWidthInteger.Type: return integerAnswer(integer)
    default: return nil
    }
  }

  private func integerAnswer<Integer: FixedWidthInteger>(_ type: Integer.Type) -> Answer {
    (Integer(clamping: sampleInteger), .integer(type))
  }

  /// Types that JSONDecoder treats by itself, or whose own init(from:) accepts no made-up text.
  private func foundationValue(_ type: any Decodable.Type) -> Answer? {
    switch type {
    case is URL.Type: URL(string: "http://localhost/").map { ($0, .string) }
    case is UUID.Type: (UUID(), .string)
    case is Data.Type: (Data(), .string)  // Base64, JSONDecoder's default
    case is Date.Type: (Date(timeIntervalSinceReferenceDate: 0), .number)  // seconds since 2001, JSONDecoder's default
    case is Decimal.Type: (Decimal(0), .number)
    default: nil
    }
  }

  /// An enum with raw values that can list its cases.
  private func listedCase(_ type: any Decodable.Type) -> Answer? {
    guard let listed = type as? any CaseIterable.Type else { return nil }
    let cases = allCases(of: listed).compactMap { $0 as? any RawRepresentable }
    guard let first = cases.first else { return nil }
    let rawValues = cases.map { rawValue(of: $0) }
    if let names = rawValues as? [String] {
      return (first, SchemaNode(form: .string(length: 0...Int.max, oneOf: names)))
    }
    let numbers = rawValues.compactMap { ($0 as? any FixedWidthInteger).map { Int(clamping: $0) } }
    guard numbers.count == cases.count else { return nil }
    return (first, SchemaNode(form: .integer(Int128(Int.min)...Int128(Int.max), oneOf: numbers)))
  }

  private func allCases<Listed: CaseIterable>(of type: Listed.Type) -> [Any] { type.allCases.map { $0 } }
  private func rawValue<Raw: RawRepresentable>(of value: Raw) -> Any { value.rawValue }

  // What constraints allow, so that an init(from:) that checks for itself is content.

  private var rules: [InputConstraint.Rule] { constraints.filter { $0.field == path }.map(\.rule) }

  private var sampleInteger: Int {
    for case .integerRange(let range) in rules { return range.lowerBound }
    return 0
  }

  private var sampleNumber: Double {
    for rule in rules {
      switch rule {
      case .numberRange(let range): return range.lowerBound
      case .integerRange(let range): return Double(range.lowerBound)
      default: break
      }
    }
    return 0
  }

  private var sampleString: String {
    for case .oneOf(let values) in rules { return values.first ?? "" }
    // A length beyond this is not there for the sake of the probe.
    for case .stringLength(let range) in rules { return String(repeating: "a", count: min(range.lowerBound, 10_000)) }
    return ""
  }
}
