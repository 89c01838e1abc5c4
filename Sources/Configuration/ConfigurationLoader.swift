/// Makes a ``ServerConfiguration`` of the file, the environment and the flags, in rising order. Keep it: `load()` may be
/// called again (the master does on `SIGHUP`) and reads the file anew.
///
/// Synchronous, starts no thread, and keeps nothing open.
public struct ConfigurationLoader: Sendable {
  private let flags: ConfigurationLayer
  private let environment: [String: String]
  private let handlerNames: Set<String>
  /// `--config`, or else `MILLRACE_CONFIG`; `nil`: there is no file. No place is searched.
  public let path: String?

  /// - Parameters:
  ///   - flags: what the command line says, as text; only the flags that were given.
  ///   - path: the value of `--config`.
  ///   - handlerNames: what `handlers:` may name; any other is a mistake.
  public init(
    flags: [ConfigurationKey: [String]] = [:], path: String? = nil, environment: [String: String] = [:],
    handlerNames: Set<String>
  ) {
    self.flags = ConfigurationLayer(flags: flags)
    self.path = path ?? environment["MILLRACE_CONFIG"]
    self.environment = environment
    self.handlerNames = handlerNames
  }

  public func load() throws(ConfigurationError) -> ServerConfiguration {
    var configuration = ServerConfiguration()
    var origins: [ConfigurationKey: ConfigurationOrigin] = [:]
    if let path {
      let file = ConfigurationFile(path: path, handlerNames: handlerNames)
      try configuration.apply(file.read(), origins: &origins)
    }
    try configuration.apply(ConfigurationLayer(environment: environment), origins: &origins)
    try configuration.apply(flags, origins: &origins)
    try configuration.settlePublicFolder(origin: origins[.publicFolder])
    try configuration.readCallbackSecret(origin: origins[.callbackSecretFile])
    try configuration.checkTLSFiles(origins)
    return configuration
  }

  /// Variables that look as if they were meant for Millrace and are not. They are no error, because container platforms
  /// invent such names themselves (Kubernetes sets `MILLRACE_SERVICE_HOST` for a service called "millrace"), but worth
  /// a warning.
  public var unknownVariables: [String] {
    let known = Set(
      ConfigurationKey.allCases.map(\.variable) + ["MILLRACE_CONFIG", "MILLRACE_SERVER", "MILLRACE_TOKEN"])
    return environment.keys.filter { $0.hasPrefix(ConfigurationKey.variablePrefix) && !known.contains($0) }.sorted()
  }
}

extension ServerConfiguration {
  /// A folder that was named must be there; `public` is served only where it is.
  fileprivate mutating func settlePublicFolder(origin: ConfigurationOrigin?) throws(ConfigurationError) {
    guard let origin else {
      publicFolder = FileText.isFolder("public") ? "public" : nil
      return
    }
    if let publicFolder, !FileText.isFolder(publicFolder) {
      throw ConfigurationError(.unreadable, "\(origin): there is no folder '\(printable(publicFolder))'")
    }
  }
}
