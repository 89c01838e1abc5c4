/// What one value of an input may be: derived from a type by ``TypeProbe``, narrowed by constraints.
struct SchemaNode: Sendable, Equatable {
  indirect enum Form: Sendable, Equatable {
    /// Whatever JSON there is.
    case any
    case boolean
    case integer(ClosedRange<Int128>, oneOf: [Int]?)
    case number(ClosedRange<Double>)
    /// The length counts Unicode scalars, as JSON Schema does.
    case string(length: ClosedRange<Int>, oneOf: [String]?)
    case array(of: SchemaNode, count: ClosedRange<Int>)
    /// An object of any keys, whose values are all of one kind.
    case dictionary(of: SchemaNode, count: ClosedRange<Int>)
    case object([SchemaField])
  }
  var form: Form
  /// `null` stands for a value of its own, as in an array of optionals. (For a field that may be left out it is always
  /// allowed, and means that it was.)
  var isNullable = false
  /// For people.
  var description: String?

  static let any = SchemaNode(form: .any)
  static let string = SchemaNode(form: .string(length: 0...Int.max, oneOf: nil))
  static let number = SchemaNode(form: .number(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude))

  static func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) -> SchemaNode {
    SchemaNode(form: .integer(Int128(clamping: type.min)...Int128(clamping: type.max), oneOf: nil))
  }
  static func number<Number: BinaryFloatingPoint>(_ type: Number.Type) -> SchemaNode {
    let limit = Double(type.greatestFiniteMagnitude)
    return SchemaNode(form: .number(-limit...limit))
  }
  static func array(of element: SchemaNode) -> SchemaNode { SchemaNode(form: .array(of: element, count: 0...Int.max)) }
  static func dictionary(of value: SchemaNode) -> SchemaNode {
    SchemaNode(form: .dictionary(of: value, count: 0...Int.max))
  }

  /// As messages say it: `an integer`.
  var phrase: String {
    switch form {
    case .any: "any JSON"
    case .boolean: "a boolean"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .dictionary, .object: "an object"
    }
  }
}

struct SchemaField: Sendable, Equatable {
  var name: String
  var isRequired: Bool
  var node: SchemaNode
}
