/// The store could not do what it was asked: disk full, file damaged, a newer schema, closed.
public struct StoreError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// It may work later: disk full, I/O error, locked by a stranger.
    case unavailable
    /// It will not work: not a database, damaged, made by a newer version.
    case unusable
    /// There is a job with this id already; only ``JobStore/submit(_:)`` says so.
    case duplicate
    case closed
  }
  public var kind: Kind
  /// The verb, such as `submit`.
  public var operation: String
  /// The cause in the store's own words, with its code: for logs, not for clients.
  public var cause: String

  public init(_ kind: Kind, operation: String, cause: String) {
    self.kind = kind
    self.operation = operation
    self.cause = cause
  }

  public var description: String { "store: \(operation): \(cause)" }
}
