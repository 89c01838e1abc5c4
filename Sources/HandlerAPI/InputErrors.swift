import FoundationEssentials
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
      // Foundation refuses a number that its type does not hold as invalid JSON, at no path.
      let detail = context.underlyingError.map { "\($0)" } ?? context.debugDescription
      self.init(pointer: Self.pointer(context.codingPath), detail: "cannot be read: \(detail)")
    default: self.init(pointer: "", detail: "cannot be read: \(error)")
    }
  }

  private static func pointer(_ path: [any CodingKey]) -> String {
    path.reduce(JSONPointer.root) { pointer, key in
      if let index = key.intValue { pointer.appending(index: index) } else { pointer.appending(key: key.stringValue) }
    }.text
  }
}
