/// A handler that cannot be registered as it is written or configured: a mistake of whoever writes it, found at start.
public struct HandlerRegistrationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A sentence that names the handler and, where there is one, the field.
  public let description: String

  public init(_ description: String) { self.description = description }

  func naming(_ handler: String) -> HandlerRegistrationError { .init("handler \"\(handler)\": \(description)") }
}
