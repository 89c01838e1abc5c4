import Configuration

/// Where a client command finds the server: `http://host:port`, `https://host`, or `unix:PATH`.
struct ServerAddress: Equatable, CustomStringConvertible {
  /// Without a slash at its end; paths are appended.
  let baseURL: String
  let socketPath: String?
  let description: String

  static let expectation = "http://HOST:PORT, https://HOST or unix:PATH"
  static let `default` = "http://127.0.0.1:8080"

  /// `nil` if it is no address of a server.
  init?(_ text: String) {
    description = printable(text)
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard case .unix = try? ListenAddress(text) else { return nil }
      socketPath = path
      // The name goes into the Host field, where a server on a Unix socket expects a local one.
      baseURL = "http://localhost"
      return
    }
    guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return nil }
    let rest = text.dropFirst(scheme.count)
    let authority = rest.prefix { $0 != "/" }
    // A password in a URL would end up in histories and process lists; a query has no meaning before a path.
    guard !authority.isEmpty, !authority.hasPrefix(":"), !authority.contains("@"),
      text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), !text.contains("?"), !text.contains("#")
    else { return nil }
    var base = text
    while base.hasSuffix("/") { base.removeLast() }
    baseURL = base
    socketPath = nil
  }

  /// A proxy of the environment cannot reach this machine's own addresses.
  var isLocal: Bool {
    if socketPath != nil { return true }
    let authority = baseURL.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" }
    let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
    return (try? ListenAddress("\(host):0"))?.isLocal ?? false
  }
}
