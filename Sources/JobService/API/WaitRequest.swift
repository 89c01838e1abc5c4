import HTTPServer

/// How long a client wants to wait for a job's end: `Prefer: wait=N` (RFC 7240, section 4.3) or `?wait=N`.
struct WaitRequest: Sendable, Equatable {
  /// The longest wait that is granted.
  static let limitSeconds = 60
  /// The longest that may be asked for.
  static let longestWish = 1_000_000

  let seconds: Int
  /// It came as a preference, so what was applied is said.
  let isPreference: Bool

  var duration: Duration { .seconds(seconds) }

  /// `Preference-Applied`, where there is something to say.
  var headers: [HTTPField] { isPreference ? [HTTPField("Preference-Applied", "wait=\(seconds)")] : [] }

  /// - Parameters:
  ///   - query: the value of `?wait=`, checked as declared; it wins over the preference.
  ///   - prefer: the header `Prefer`. What is not understood there is ignored, as the RFC asks.
  static func read(query: Int?, prefer: String?) -> WaitRequest? {
    if let query { return WaitRequest(seconds: min(query, limitSeconds), isPreference: false) }
    guard let prefer else { return nil }
    for preference in prefer.split(separator: ",") {
      let words = preference.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1).map(\.trimmed)
      guard words.count == 2, words[0].lowercased() == "wait" else { continue }
      let isQuoted = words[1].count > 1 && words[1].hasPrefix("\"") && words[1].hasSuffix("\"")
      guard let seconds = Int(isQuoted ? String(words[1].dropFirst().dropLast()) : words[1]), seconds >= 0 else {
        return nil
      }
      return WaitRequest(seconds: min(seconds, limitSeconds), isPreference: true)
    }
    return nil
  }
}
