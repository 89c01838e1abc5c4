/// What a client takes, by its `Accept` (RFC 9110, section 12.5.1).
enum AcceptedTypes {
  /// Whether the header's value leaves room for a media type. What is malformed in it is left out of account; without
  /// anything that is well-formed, everything is taken.
  static func allow(_ mediaType: String, in accept: String) -> Bool {
    if accept == "*/*" { return true }
    let wanted = parts(of: mediaType[...])
    var best: (rank: Int, isTaken: Bool)?
    var hasRange = false
    for element in accept.split(separator: ",") {
      let words = element.split(separator: ";", omittingEmptySubsequences: false).map(\.trimmed)
      guard let first = words.first, let range = parts(of: first[...]), let wanted else { continue }
      hasRange = true
      let rank: Int
      switch (range.type, range.subtype) {
      case ("*", "*"): rank = 0
      case (wanted.type, "*"): rank = 1
      case (wanted.type, wanted.subtype): rank = 2
      default: continue
      }
      // The most specific range decides; of several such, the kindest.
      let isTaken = !words.dropFirst().contains(where: isZeroWeight)
      if let known = best, known.rank > rank || (known.rank == rank && known.isTaken) { continue }
      best = (rank, isTaken)
    }
    return best?.isTaken ?? !hasRange
  }

  private static func parts(of range: Substring) -> (type: String, subtype: String)? {
    let parts = range.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
    return (parts[0].lowercased().trimmed, parts[1].lowercased().trimmed)
  }

  private static func isZeroWeight(_ parameter: String) -> Bool {
    let words = parameter.split(separator: "=", maxSplits: 1).map(\.trimmed)
    return words.count == 2 && words[0].lowercased() == "q" && Double(words[1]) == 0
  }
}
