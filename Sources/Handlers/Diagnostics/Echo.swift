import HandlerAPI

/// Gives back its arguments byte for byte: numbers and strings keep the form they were sent in.
public struct Echo: Handler {
  public static let name = "echo"
  public static let summary = "Gives back its arguments."

  public init() {}

  public func run(_ input: RawJSON, _ context: JobContext) async throws -> RawJSON { input }
}
