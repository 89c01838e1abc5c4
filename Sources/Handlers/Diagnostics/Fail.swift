import HandlerAPI

/// Fails with a message of the caller's choice.
public struct Fail: Handler {
  public struct Input: Decodable, Sendable {
    /// "failed as asked" if left out.
    public var message: String?
    public init(message: String? = nil) { self.message = message }
  }
  public struct Output: Encodable, Sendable {}

  public static let name = "fail"
  public static let summary = "Fails with the given message."
  public static let constraints: [InputConstraint] = [.string("message", maxLength: 10_000)]

  public init() {}

  public func run(_ input: Input, _ context: JobContext) async throws -> Output {
    throw HandlerError(input.message ?? "failed as asked")
  }
}
