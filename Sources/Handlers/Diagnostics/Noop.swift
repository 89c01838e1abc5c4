import HandlerAPI

/// Does nothing: what is left is the cost of a job.
public struct Noop: Handler {
  public struct Nothing: Codable, Sendable {
    public init() {}
  }

  public static let name = "noop"
  public static let summary = "Does nothing."

  public init() {}

  public func run(_ input: Nothing, _ context: JobContext) async throws -> Nothing { Nothing() }
}
