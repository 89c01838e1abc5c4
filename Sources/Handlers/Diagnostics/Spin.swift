import Glibc
import HandlerAPI

/// Keeps a core busy.
public struct Spin: Handler {
  public struct Input: Decodable, Sendable {
    /// Left out: for ever, and deaf to cancellation. Only a kill ends it.
    public var seconds: Double?
    public init(seconds: Double? = nil) { self.seconds = seconds }
  }
  public struct Output: Encodable, Sendable {
    public var seconds: Double
  }

  public static let name = "spin"
  public static let summary = "Keeps a core busy, for ever if no time is given."
  public static let constraints: [InputConstraint] = [.number("seconds", 0...86_400)]

  public init() {}

  public func run(_ input: Input, _ context: JobContext) async throws -> Output {
    let clock = ContinuousClock()
    let start = clock.now
    guard let seconds = input.seconds else {
      while true { _ = clock.now }
    }
    let end = start.advanced(by: .seconds(seconds))
    while clock.now < end { try context.checkCancellation() }
    return Output(seconds: seconds)
  }
}
