import HandlerAPI

/// Counts the primes below a number, exactly, by sieving.
public struct CountPrimes: Handler {
  public struct Input: Decodable, Sendable {
    public var below: Int
    public init(below: Int) { self.below = below }
  }
  public struct Output: Encodable, Sendable {
    public var count: Int
  }

  public static let name = "count_primes"
  public static let summary = "Counts the primes below a number."
  public static let constraints: [InputConstraint] = [.integer("below", 2...1_000_000_000_000)]

  public init() {}

  public func run(_ input: Input, _ context: JobContext) async throws -> Output {
    Output(count: try Self.count(below: input.below, context))
  }

  /// Memory stays at about 1.3 MB up to 10¹². Looks for cancellation and reports progress after each segment: every few
  /// milliseconds.
  static func count(below limit: Int, _ context: JobContext) throws -> Int {
    var sieve = SegmentedSieve(below: limit)
    var count = sieve.smallPrimes
    context.progress(0, of: limit)
    while let found = sieve.countNextSegment() {
      count += found
      context.progress(min(sieve.sievedBelow, limit), of: limit)
      try context.checkCancellation()
    }
    return count
  }
}
