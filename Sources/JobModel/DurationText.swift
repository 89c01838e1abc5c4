// Durations as people write them: `500ms`, `30s`, `5m`, `1.5h`, `7d`. One grammar for the HTTP fields (`delay`,
// `timeout`), the configuration and the command line.

/// Reads and writes durations as a number and a unit.
public enum DurationText {
  /// What a text that is no duration should have been, to complete a sentence: "must be …".
  public static let expectation = "a number and a unit (ms, s, m, h or d), such as 500ms, 30s or 1.5h"

  /// Reads digits, perhaps a point and up to 9 further digits, and one of `ms s m h d`: no sign, no space, no exponent.
  /// `nil` for anything else, and for what a `Duration` cannot hold (over 290,000,000,000 years).
  public static func duration(_ text: some StringProtocol) -> Duration? {
    var text = String(text)
    return text.withUTF8 { duration(utf8: $0) }
  }

  private static func duration(utf8: UnsafeBufferPointer<UInt8>) -> Duration? {
    var rest = utf8[...]
    guard let whole = takeNumber(from: &rest) else { return nil }
    var fraction: Int64 = 0
    var scale: Int64 = 1
    if rest.first == UInt8(ascii: ".") {
      let decimals = rest.dropFirst().prefix(while: isDigit)
      guard (1...9).contains(decimals.count) else { return nil }
      for digit in decimals {
        fraction = fraction * 10 + Int64(digit - UInt8(ascii: "0"))
        scale *= 10
      }
      rest = rest.dropFirst(1 + decimals.count)
    }
    guard let unit = units.first(where: { rest.elementsEqual($0.symbol.utf8) }) else { return nil }
    // At most a day times 10⁹, far inside the 128 bits of attoseconds.
    let part = Duration.milliseconds(unit.milliseconds) * fraction / scale
    if unit.milliseconds < 1000 {
      return .seconds(whole / 1000) + .milliseconds(whole % 1000) + part
    }
    let (seconds, overflow) = whole.multipliedReportingOverflow(by: unit.milliseconds / 1000)
    // A day of room for the fraction.
    guard !overflow, seconds <= .max - 86_400 else { return nil }
    return .seconds(seconds) + part
  }

  /// The shortest text without a fraction: `1500ms`, `90s`, `2h`, `7d`. Rounds toward zero to whole milliseconds; a
  /// negative duration is written as `0s`.
  public static func text(_ duration: Duration) -> String {
    let (seconds, attoseconds) = max(duration, .zero).components
    let milliseconds = attoseconds / 1_000_000_000_000_000
    if milliseconds != 0 {
      // Seconds past 2⁵³ times a thousand do not fit; their milliseconds interest nobody.
      let (total, overflow) = seconds.multipliedReportingOverflow(by: 1000)
      return overflow ? "\(seconds)s" : "\(total + milliseconds)ms"
    }
    if seconds == 0 { return "0s" }
    for unit in units.reversed() where unit.milliseconds >= 1000 && seconds % (unit.milliseconds / 1000) == 0 {
      return "\(seconds / (unit.milliseconds / 1000))\(unit.symbol)"
    }
    preconditionFailure("every number of seconds is divisible by one")
  }

  private static let units: [(symbol: String, milliseconds: Int64)] = [
    ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000),
  ]

  /// The digits that `rest` begins with, taken off it; `nil` if there are none, or too many for an `Int64`.
  private static func takeNumber(from rest: inout Slice<UnsafeBufferPointer<UInt8>>) -> Int64? {
    var number: Int64?
    while let digit = rest.first, isDigit(digit) {
      let (tens, tooMany) = (number ?? 0).multipliedReportingOverflow(by: 10)
      let (sum, overflow) = tens.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
      if tooMany || overflow { return nil }
      number = sum
      rest = rest.dropFirst()
    }
    return number
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
