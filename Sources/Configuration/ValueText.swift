// The texts that settings take, each read in one way wherever it comes from.

import JobModel

/// Readers of values: each takes the text of a flag, a variable or a YAML scalar, and throws what it should have been.
enum ValueText {
  /// Digits only: no sign, no separators.
  static func integer(_ text: String, in range: ClosedRange<Int>) throws(ValueError) -> Int {
    guard let value = digits(text), range.contains(value) else {
      throw ValueError("must be a whole number from \(range.lowerBound) to \(range.upperBound)\(instead(of: text))")
    }
    return value
  }

  static func boolean(_ text: String) throws(ValueError) -> Bool {
    switch text {
    case "true": true
    case "false": false
    default: throw ValueError("must be true or false\(instead(of: text))")
    }
  }

  static func word<Word: RawRepresentable<String> & CaseIterable>(
    _ text: String, _ type: Word.Type
  ) throws(ValueError) -> Word {
    guard let word = Word(rawValue: text) else {
      let words = Word.allCases.map(\.rawValue)
      throw ValueError("must be \(words.dropLast().joined(separator: ", ")) or \(words.last ?? "")\(instead(of: text))")
    }
    return word
  }

  /// Bytes as a plain number, or a whole number of `KiB`, `MiB`, `GiB` or `TiB`.
  static func size(_ text: String, in range: ClosedRange<Int>) throws(ValueError) -> Int {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)]
    let (symbol, shift) = units.first { text.hasSuffix($0.0) } ?? ("", 0)
    guard let count = digits(String(text.dropLast(symbol.count))) else {
      throw ValueError("must be a number of bytes, or of KiB, MiB, GiB or TiB, such as 64KiB\(instead(of: text))")
    }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: 1 << shift)
    guard !overflow, range.contains(bytes) else {
      throw ValueError("must be from \(size(range.lowerBound)) to \(size(range.upperBound))\(instead(of: text))")
    }
    return bytes
  }

  static func duration(_ text: String, in range: ClosedRange<Duration>) throws(ValueError) -> Duration {
    guard let duration = DurationText.duration(text) else {
      throw ValueError("must be \(DurationText.expectation)\(instead(of: text))")
    }
    guard range.contains(duration) else {
      let limits = "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
      throw ValueError("must be from \(limits)\(instead(of: text))")
    }
    return duration
  }

  /// A name as RFC 1123, section 2.1, allows it, or an address, without a port; in lower case.
  static func hostName(_ text: String) throws(ValueError) -> String {
    guard case .tcp(let host, _) = try? ListenAddress(text + ":0"), !text.hasPrefix("[") else {
      throw ValueError("must be a host's name without a port\(instead(of: text))")
    }
    return host.lowercased()
  }

  static func path(_ text: String) throws(ValueError) -> String {
    guard !text.isEmpty, !text.utf8.contains(0) else { throw ValueError("must name a file") }
    return text
  }

  static func store(_ text: String) throws(ValueError) -> StoreLocation {
    let scheme = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+") }
    let hasScheme = scheme.count > 1 && text.dropFirst(scheme.count).first == ":"
    guard !hasScheme || scheme == "sqlite" else {
      throw ValueError("must be a path, or sqlite:PATH\(instead(of: text))")
    }
    let path = hasScheme ? String(text.dropFirst("sqlite:".count)) : text
    // SQLite keeps `:memory:` and the empty name to one connection, and a job store is shared by processes.
    guard !path.isEmpty, path != ":memory:", !path.hasPrefix("file:"), !path.utf8.contains(0) else {
      throw ValueError("must name a file that keeps the jobs\(instead(of: text))")
    }
    return .sqlite(path: path)
  }

  /// A size as people write it: in the largest unit that divides it.
  static func size(_ bytes: Int) -> String {
    for (symbol, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
    where bytes != 0 && bytes & (1 << shift - 1) == 0 {
      return "\(bytes >> shift)\(symbol)"
    }
    return "\(bytes)"
  }

  private static func digits(_ text: String) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }

  private static func instead(of text: String) -> String { ", not '\(printable(text))'" }
}
