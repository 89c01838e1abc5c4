// Durations as patterns: a schema that says exactly what is accepted, limits and all.

extension Schema {
  /// A text as `DurationText` reads it: a number and a unit.
  ///
  /// - Parameters:
  ///   - longestSeconds: a whole number of days.
  ///   - mayBeZero: otherwise it must be longer than nothing.
  static func duration(upTo longestSeconds: Int, mayBeZero: Bool) -> Schema {
    let units =
      [("ms", longestSeconds * 1000), ("s", longestSeconds)]
      + [("m", 60), ("h", 3600), ("d", 86_400)].map {
        ($0.0, longestSeconds / $0.1)
      }
    // Nothing at all, or less than one: its last decimal is the one that is not zero.
    let small = mayBeZero ? #"0+(?:\.[0-9]{1,9})?"# : #"0+\.[0-9]{0,8}[1-9]"#
    let forms = units.map { unit, most in
      #"(?:\#(small)|0*(?:\#(positive(below: most)))(?:\.[0-9]{1,9})?|0*\#(most)(?:\.0{1,9})?)\#(unit)"#
    }
    return .string(pattern: forms.joined(separator: "|"), phrase: "duration, such as 1.5h")
  }

  /// The whole numbers from 1 to `limit` - 1, without zeros in front. - Parameter limit: 2 or more.
  static func positive(below limit: Int) -> String {
    let digits = String(limit).utf8.map { Int($0 - UInt8(ascii: "0")) }
    var forms: [String] = []
    // With fewer digits, and with as many, where the first that differs is the smaller one.
    if digits.count > 1 { forms.append("[1-9]\(any(digits.count - 2))") }
    for (place, digit) in digits.enumerated() {
      let least = place == 0 ? 1 : 0
      if digit <= least { continue }
      let same = digits[..<place].map(String.init).joined()
      forms.append("\(same)[\(least)-\(digit - 1)]\(any(digits.count - place - 1, exactly: true))")
    }
    return forms.joined(separator: "|")
  }

  private static func any(_ count: Int, exactly: Bool = false) -> String {
    if count == 0 { return "" }
    return exactly ? "[0-9]{\(count)}" : "[0-9]{0,\(count)}"
  }
}
