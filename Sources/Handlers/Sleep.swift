import HandlerAPI
import JobModel

/// Waits, and occupies nothing while it does: ten thousand of them fit into one acceptor.
public struct Sleep: Handler {
  public struct Input: Decodable, Sendable {
    /// 0…31,536,000 (a year).
    public var seconds: Double
    public init(seconds: Double) { self.seconds = seconds }
  }
  public struct Output: Encodable, Sendable {
    public var seconds: Double
  }

  public static let name = "sleep"
  public static let summary = "Waits for a number of seconds."
  public static let executor = Executor.task
  public static let constraints: [InputConstraint] = [.number("seconds", 0...31_536_000)]

  public init() {}

  /// A cancelled task ends at once with `CancellationError`.
  public func run(_ input: Input, _ context: JobContext) async throws -> Output {
    try await Task.sleep(for: .seconds(input.seconds))
    return Output(seconds: input.seconds)
  }
}
