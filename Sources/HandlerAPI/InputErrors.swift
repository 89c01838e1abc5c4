import StrictJSON

/// All that is wrong with one input; never empty.
public struct InputErrors: Error, Sendable, Equatable, CustomStringConvertible {
  public let errors: [InputError]
  public init(_ errors: [InputError]) { self.errors = errors }

  public var description: String {
    errors.map { $0.pointer.isEmpty ? "the input \($0.detail)" : "\($0.pointer) \($0.detail)" }.joined(separator: "; ")
  }
}

extension InputError {
  /// What kept a value from being decoded, and where in it.
  init(decoding error: any Error) {
    switch error {
    case let error as InputError: self = error
    case let error as HandlerError: self.init(pointer: "", detail: error.message)
    case DecodingError.keyNotFound(let key, let context):
      self.init(pointer: Self.pointer(context.codingPath + [key]), detail: "is required")
    case DecodingError.valueNotFound(_, let context):
      self.init(pointer: Self.pointer(context.codingPath), detail: "must not be null")
    case DecodingError.typeMismatch(_, let context), DecodingError.dataCorrupted(let context):
      // The text was parsed before: what Foundation cannot parse in it is a number, which it tells no place of.
      let isNumber = context.debugDescription.hasPrefix("The given data was not valid JSON")
      self.init(
        pointer: Self.pointer(context.codingPath),
        detail: isNumber
          ? "has a number that the type of its field does not hold exactly"
          : "cannot be read: \(context.debugDescription)")
    default: self.init(pointer: "", detail: "cannot be read: \(error)")
    }
  }

  private static func pointer(_ path: [any CodingKey]) -> String {
    path.reduce(JSONPointer.root) { pointer, key in
      if let index = key.intValue { pointer.appending(index: index) } else { pointer.appending(key: key.stringValue) }
    }.text
  }
}
