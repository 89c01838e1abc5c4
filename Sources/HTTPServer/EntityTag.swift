/// Comparison of entity tags (RFC 9110, section 8.8.3).
public enum EntityTag {
  /// Whether a request's `If-None-Match` names this tag, or any: then GET and HEAD are answered 304. The comparison is the
  /// weak one, as section 13.1.2 asks.
  ///
  /// - Parameter tag: with its quotes.
  public static func matches(_ tag: String, ifNoneMatch list: String?) -> Bool {
    guard let list else { return false }
    var rest = Substring(list)
    while true {
      rest = rest.drop { $0 == " " || $0 == "\t" || $0 == "," }
      if rest.isEmpty { return false }
      if rest.first == "*" { return true }
      if rest.hasPrefix("W/") { rest = rest.dropFirst(2) }
      guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else { return false }
      if rest[...end] == tag { return true }
      rest = rest[rest.index(after: end)...]
    }
  }
}
