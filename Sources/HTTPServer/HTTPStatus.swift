import CMicrohttpd

/// Status codes (RFC 9110, section 15).
public enum HTTPStatus {
  /// The registered phrase, such as `Not Found`; `Unknown` for a code without one.
  public static func reason(_ status: Int) -> String {
    guard status >= 100, status < 1000, let phrase = MHD_get_reason_phrase_for(UInt32(status)) else { return "Unknown" }
    return String(cString: phrase)
  }
}
