import CCurl

/// Which URLs can be fetched.
public enum FetchURL {
  /// Reads the URL with libcurl's own parser: a check by another one could understand a different host than the one that
  /// is then connected to.
  ///
  /// - Returns: what a text is that cannot be fetched, to complete a sentence: "… must begin with http://"; `nil`: it can.
  public static func problem(_ text: String) -> String? {
    if text.utf8.contains(0) { return "must not contain NUL" }
    guard let url = curl_url() else { return "cannot be read: out of memory" }
    defer { curl_url_cleanup(url) }
    let code = curl_url_set(url, CURLUPART_URL, text, UInt32(CURLU_NON_SUPPORT_SCHEME))
    if code != CURLUE_OK { return "is not a URL: \(String(cString: curl_url_strerror(code)))" }
    guard let scheme = part(CURLUPART_SCHEME, of: url), scheme == "http" || scheme == "https" else {
      return "must begin with http:// or https://"
    }
    if part(CURLUPART_USER, of: url) != nil || part(CURLUPART_PASSWORD, of: url) != nil {
      return "must not contain credentials"
    }
    return nil
  }

  private static func part(_ what: CURLUPart, of url: OpaquePointer) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(url, what, &text, 0) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }
}
