import HTTPServer

/// Keeps web pages of other sites from using a visitor's browser to reach this server.
///
/// - A `Host` that is a name of somebody else's means that a foreign name was pointed at this address (DNS rebinding).
///   IP addresses are fine whatever they are: a page cannot be loaded from this address under them without being ours.
/// - A request that changes something and that a browser says comes from another site (`Origin`, `Sec-Fetch-Site`) is
///   refused: bodies as plain forms send them are accepted from `curl`, and a form can be sent across sites.
struct RequestOrigin: Sendable {
  /// Lower-case names, without ports.
  let ownNames: Set<String>
  /// Those of them that the configuration names. A proxy may serve pages under them and not pass its own `Host` on, so a
  /// page of theirs is none of another site.
  var publicNames: Set<String> = []

  func check(host: String?, origin: String?, fetchSite: String?, changes: Bool) throws(APIError) {
    if let host, !isOwn(host) {
      throw .forbidden(
        "the Host '\(host)' is not a name of this server; 'hosts' of its configuration lists further ones")
    }
    guard changes else { return }
    if let fetchSite, fetchSite != "same-origin", fetchSite != "none" {
      throw .forbidden("requests from pages of other sites are refused")
    }
    if let origin, !isSame(origin, host) { throw .forbidden("requests from pages of other sites are refused") }
  }

  private func isOwn(_ host: String) -> Bool {
    let name = Self.name(of: host)
    return ownNames.contains(name) || Self.isAddress(name)
  }

  private func isSame(_ origin: String, _ host: String?) -> Bool {
    let origin = origin.lowercased()
    for scheme in ["https://", "http://"] where origin.hasPrefix(scheme) {
      if publicNames.contains(String(origin.dropFirst(scheme.count))) { return true }
    }
    guard let host else { return false }
    return origin == "http://" + host.lowercased() || origin == "https://" + host.lowercased()
  }

  /// The host without its port; an IPv6 address keeps its brackets.
  static func name(of host: String) -> String {
    let lower = host.lowercased()
    if lower.hasPrefix("["), let end = lower.firstIndex(of: "]") { return String(lower[...end]) }
    return String(lower.prefix { $0 != ":" })
  }

  private static func isAddress(_ name: String) -> Bool {
    if name.hasPrefix("[") { return name.hasSuffix("]") }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
  }
}
