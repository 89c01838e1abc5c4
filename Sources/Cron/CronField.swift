/// One field of a cron expression: a set of numbers below 64.
struct CronField: Sendable, Equatable {
  private var bits: UInt64 = 0
  /// What Vixie's cron goes by, `*/2` included.
  let beginsWithStar: Bool

  enum Kind {
    case minute, hour, day, month, weekday

    var name: String {
      switch self {
      case .minute: "minute"
      case .hour: "hour"
      case .day: "day of the month"
      case .month: "month"
      case .weekday: "day of the week"
      }
    }

    /// Sunday is 0 and 7.
    var range: ClosedRange<Int> {
      switch self {
      case .minute: 0...59
      case .hour: 0...23
      case .day: 1...31
      case .month: 1...12
      case .weekday: 0...7
      }
    }

    /// In the order of their numbers, from the range's first on.
    var names: [String] {
      switch self {
      case .minute, .hour, .day: []
      case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
      case .weekday: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
      }
    }
  }

  /// Reads `*`, `5`, `1-5`, `*/15`, `8-18/2`, `MON-FRI`, and lists of these.
  init(_ text: Substring, _ kind: Kind) throws(CronError) {
    beginsWithStar = text.hasPrefix("*")
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      guard let numbers = Self.numbers(item, kind) else {
        let (first, last) = (kind.range.lowerBound, kind.range.upperBound)
        let names = kind.names.isEmpty ? "" : ", or names such as \(kind.names[1].uppercased())"
        throw CronError(
          "has a bad \(kind.name) '\(item)': numbers from \(first) to \(last)\(names), such as 1, 1-5, */2")
      }
      for number in numbers { bits |= 1 << UInt64(kind.isWeekday ? number % 7 : number) }
    }
  }

  func contains(_ number: Int) -> Bool { bits & 1 << UInt64(number) != 0 }

  /// The smallest member from `number` on.
  func first(from number: Int) -> Int? {
    let rest = bits >> UInt64(number)
    return rest == 0 ? nil : number + rest.trailingZeroBitCount
  }

  private static func numbers(_ item: Substring, _ kind: Kind) -> StrideTo<Int>? {
    let parts = item.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let base = parts.first, let (first, last) = bounds(base, kind) else { return nil }
    guard parts.count == 2 else { return stride(from: first, to: last + 1, by: 1) }
    // As in Vixie's: a step needs something to step through.
    guard base == "*" || base.contains("-"), let step = digits(parts[1]), (1...kind.range.upperBound).contains(step)
    else {
      return nil
    }
    return stride(from: first, to: last + 1, by: step)
  }

  private static func bounds(_ text: Substring, _ kind: Kind) -> (first: Int, last: Int)? {
    // The seventh day is the first again: `*/2` must not take it twice.
    if text == "*" { return (kind.range.lowerBound, kind.isWeekday ? 6 : kind.range.upperBound) }
    let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard let start = ends.first, let first = value(start, kind) else { return nil }
    guard ends.count == 2 else { return (first, first) }
    guard var last = value(ends[1], kind) else { return nil }
    // FRI-SUN ends with the week.
    if kind.isWeekday, last == 0, first > 0 { last = 7 }
    return first <= last ? (first, last) : nil
  }

  private static func value(_ text: Substring, _ kind: Kind) -> Int? {
    if let place = kind.names.firstIndex(of: text.lowercased()) { return kind.range.lowerBound + place }
    return digits(text).flatMap { kind.range.contains($0) ? $0 : nil }
  }

  private static func digits(_ text: Substring) -> Int? {
    guard (1...2).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(text)
  }
}

extension CronField.Kind {
  fileprivate var isWeekday: Bool { self == .weekday }
}
