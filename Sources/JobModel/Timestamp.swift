/// A moment: microseconds since 1970-01-01T00:00:00Z.
public struct Timestamp: Hashable, Comparable, Sendable {
  public let microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }

  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

  /// Saturates instead of overflowing: a delay of ten million years is accepted and never due.
  public func advanced(by duration: Duration) -> Timestamp {
    let (sum, overflow) = microseconds.addingReportingOverflow(duration.microsecondsClamped)
    return Timestamp(microseconds: overflow ? (duration < .zero ? .min : .max) : sum)
  }

  /// Saturates too.
  public func duration(to later: Timestamp) -> Duration {
    let (difference, overflow) = later.microseconds.subtractingReportingOverflow(microseconds)
    return .microseconds(overflow ? (later < self ? .min : .max) : difference)
  }
}

extension Duration {
  /// Whole microseconds, limited to what an `Int64` holds.
  public var microsecondsClamped: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000_000)
    return carried ? (seconds < 0 ? .min : .max) : sum
  }
}
