// Looks into a Decodable type by decoding it from nothing.
//
// What init(from:) asks for is written down, and answered with a value that satisfies most: 0, "", one element. That is
// all that Swift offers to learn a type's fields together with their coding keys; reflection wants a value first.

/// Writes down what is asked for at one place of an input. Used on one thread, and gone when the schema is there.
final class TypeProbe {
  private var asked: SchemaNode?
  private var isNullable = false
  let context: ProbeContext
  /// Tells the probe around this one, for containers that were asked for one inside the other.
  private let onRecord: ((SchemaNode) -> Void)?

  init(_ context: ProbeContext, onRecord: ((SchemaNode) -> Void)? = nil) {
    self.context = context
    self.onRecord = onRecord
  }

  /// - Throws: ``HandlerRegistrationError`` naming the field that could not be looked into.
  static func schema(
    of type: any Decodable.Type, constraints: [InputConstraint]
  ) throws(HandlerRegistrationError) -> SchemaNode {
    do {
      return try ProbeContext(constraints: constraints).node(of: type)
    } catch let error as HandlerRegistrationError {
      throw error
    } catch {
      throw HandlerRegistrationError("the input \(type) cannot be looked into: \(error)")
    }
  }

  /// What has been asked for. A type that asks for nothing is an object without fields, such as `struct Input: Decodable {}`.
  var node: SchemaNode {
    var node = asked ?? SchemaNode(form: .object([]))
    node.isNullable = node.isNullable || isNullable
    return node
  }

  // MARK: Writing down

  func recordNullable() {
    isNullable = true
    onRecord?(node)
  }

  /// Another form at the same place makes it whatever JSON there is.
  func record(_ node: SchemaNode) {
    if let known = asked, known.form != node.form { asked = .any } else { asked = node }
    onRecord?(self.node)
  }

  /// Elements of several forms, as a type has them that stands for a pair, are any JSON.
  func recordElement(_ element: SchemaNode, isFirst: Bool) {
    if !isFirst, case .array(let known, _) = asked?.form, known != element {
      asked = .array(of: .any)
    } else {
      asked = .array(of: element)
    }
    onRecord?(node)
  }

  func recordDictionaryValue(_ value: SchemaNode) {
    asked = .dictionary(of: value)
    onRecord?(node)
  }

  func recordObject() {
    if asked == nil { record(SchemaNode(form: .object([]))) }
  }

  /// Fields come in the order in which they are first asked for.
  func record(_ field: SchemaField) {
    var fields: [SchemaField] = []
    if case .object(let known) = asked?.form { fields = known }
    if let index = fields.firstIndex(where: { $0.name == field.name }) {
      fields[index] = field
    } else {
      fields.append(field)
    }
    asked = SchemaNode(form: .object(fields))
    onRecord?(node)
  }
}

extension TypeProbe: Decoder {
  var codingPath: [any CodingKey] { context.codingPath }
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    recordObject()
    return KeyedDecodingContainer(KeyedProbe(probe: self))
  }

  func unkeyedContainer() -> any UnkeyedDecodingContainer { UnkeyedProbe(probe: self) }

  func singleValueContainer() -> any SingleValueDecodingContainer { SingleValueProbe(probe: self) }
}
