// What a handler takes, known before any job is: derived from its Input type and its constraints.

import StrictJSON

/// The JSON that a type can be decoded from, as far as that can be told without a value.
///
/// It is found by decoding the type once from a decoder that has no data and writes down what it is asked for. So it
/// knows structs, optionals (fields that may be left out), arrays, string-keyed dictionaries, enums with raw values that are
/// `CaseIterable`, and what `init(from:)` written by hand asks for. A type that tries one form after another is known
/// only by the first.
public struct InputSchema: Sendable {
  let root: SchemaNode
  /// The same as JSON Schema, draft 2020-12: `{"type":"object","properties":{…},"required":[…],"additionalProperties":false}`.
  public let jsonSchema: [UInt8]

  /// The same for embedding in a document that says the dialect: without `$schema`.
  public var embeddedJSONSchema: [UInt8] { JSONSchemaText.writePart(root) }

  /// At most so many errors are told about one input.
  public static let errorLimit = 20

  /// Takes whatever JSON there is.
  public static let anything = InputSchema(root: .any)

  /// - Throws: ``HandlerRegistrationError`` if the type cannot be looked into, or a constraint names no field of it or does
  ///   not suit the field's type.
  public init(of type: any Decodable.Type, constraints: [InputConstraint] = []) throws(HandlerRegistrationError) {
    var root = try TypeProbe.schema(of: type, constraints: constraints)
    for constraint in constraints { try root.narrow(by: constraint) }
    self.init(root: root)
  }

  init(root: SchemaNode) {
    self.root = root
    self.jsonSchema = JSONSchemaText.write(root)
  }

  /// What is wrong with a value; empty if nothing is. Pointers begin below the value.
  public func validate(_ node: JSONNode) -> [InputError] {
    var validation = SchemaValidation()
    validation.check(node, against: root)
    return validation.errors
  }

  /// The schema's field of this name, if it is of an object.
  func field(named name: String) -> SchemaField? {
    guard case .object(let fields) = root.form else { return nil }
    return fields.first { $0.name == name }
  }
}
