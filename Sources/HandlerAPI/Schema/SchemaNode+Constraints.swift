// How a handler's constraints narrow what its type allows.

extension SchemaNode {
  /// - Throws: ``HandlerRegistrationError`` if there is no such field, or the rule does not suit it.
  mutating func narrow(by constraint: InputConstraint) throws(HandlerRegistrationError) {
    let found = try narrow(at: FieldPath(constraint.field).steps[...], constraint)
    if !found {
      throw HandlerRegistrationError("the constraint on \"\(constraint.field)\" names no field of the input")
    }
  }

  /// Whether a constraint's field is there.
  func hasField(_ constraint: InputConstraint) -> Bool {
    var copy = self
    do throws(HandlerRegistrationError) {
      return try copy.narrow(at: FieldPath(constraint.field).steps[...], constraint)
    } catch {
      return true  // there, but of another type
    }
  }

  private mutating func narrow(
    at path: ArraySlice<FieldPath.Step>, _ constraint: InputConstraint
  ) throws(HandlerRegistrationError) -> Bool {
    guard let step = path.first else {
      try apply(constraint)
      return true
    }
    switch (step, form) {
    case (.items, .array(var element, let count)):
      let found = try element.narrow(at: path.dropFirst(), constraint)
      form = .array(of: element, count: count)
      return found
    case (.items, .dictionary(var value, let count)):
      let found = try value.narrow(at: path.dropFirst(), constraint)
      form = .dictionary(of: value, count: count)
      return found
    case (.field(let name), .object(var fields)):
      guard let index = fields.firstIndex(where: { $0.name == name }) else { return false }
      let found = try fields[index].node.narrow(at: path.dropFirst(), constraint)
      form = .object(fields)
      return found
    default: return false
    }
  }

  private mutating func apply(_ constraint: InputConstraint) throws(HandlerRegistrationError) {
    switch (constraint.rule, form) {
    case (.description(let text), _): description = text
    case (.integerRange(let range), .integer(let own, let oneOf)):
      form = .integer(
        try narrowed(own, by: Int128(range.lowerBound)...Int128(range.upperBound), constraint), oneOf: oneOf)
    case (.integerRange(let range), .number(let own)):
      form = .number(try narrowed(own, by: Double(range.lowerBound)...Double(range.upperBound), constraint))
    case (.numberRange(let range), .number(let own)): form = .number(try narrowed(own, by: range, constraint))
    case (.stringLength(let range), .string(let own, let oneOf)):
      form = .string(length: try narrowed(own, by: range, constraint), oneOf: oneOf)
    case (.oneOf(let values), .string(let length, let known)):
      if let known, let stranger = values.first(where: { !known.contains($0) }) {
        throw HandlerRegistrationError(
          "the constraint on \"\(constraint.field)\" allows \"\(stranger)\", its type does not")
      }
      form = .string(length: length, oneOf: values)
    case (.itemCount(let range), .array(let element, let own)):
      form = .array(of: element, count: try narrowed(own, by: range, constraint))
    case (.itemCount(let range), .dictionary(let value, let own)):
      form = .dictionary(of: value, count: try narrowed(own, by: range, constraint))
    default:
      throw HandlerRegistrationError(
        "the constraint on \"\(constraint.field)\" is for \(constraint.rule.subject), but the field is \(phrase)")
    }
  }

  private func narrowed<Bound>(
    _ own: ClosedRange<Bound>, by range: ClosedRange<Bound>, _ constraint: InputConstraint
  ) throws(HandlerRegistrationError) -> ClosedRange<Bound> {
    guard own.overlaps(range) else {
      throw HandlerRegistrationError("the constraint on \"\(constraint.field)\" leaves no value that its type can hold")
    }
    return range.clamped(to: own)
  }
}

extension InputConstraint.Rule {
  /// What the rule can be stated of.
  fileprivate var subject: String {
    switch self {
    case .integerRange, .numberRange: "a number"
    case .stringLength, .oneOf: "a string"
    case .itemCount: "an array or a dictionary"
    case .description: "anything"
    }
  }
}

/// The name of a field in a constraint, taken apart: `box.sizes[]` is field, field, items.
struct FieldPath {
  enum Step: Equatable {
    case field(String)
    case items
  }
  let steps: [Step]

  init(_ text: String) {
    steps = text.split(separator: ".", omittingEmptySubsequences: false).flatMap { part -> [Step] in
      var name = part
      var items = 0
      while name.hasSuffix("[]") {
        name = name.dropLast(2)
        items += 1
      }
      // The text may begin with the items of an input that is itself an array.
      return (name.isEmpty ? [] : [.field(String(name))]) + Array(repeating: .items, count: items)
    }
  }
}
