import JobModel

/// A configuration as the YAML that means the same, each setting with where it came from.
public struct ConfigurationText: Sendable {
  public let configuration: ServerConfiguration
  let origins: [ConfigurationKey: ConfigurationOrigin]
  let handlerOrigins: [String: ConfigurationOrigin]

  /// `max_queued: 20000            # millrace.yaml:3`, a line each.
  public var yaml: String {
    var lines: [(String, String)] = ConfigurationKey.allCases.map { key in
      let values = configuration.texts(of: key)
      let place = origins[key].map(Self.place) ?? "default"
      if key.shape == .list { return ("\(key.rawValue): [\(values.map(Self.quoted).joined(separator: ", "))]", place) }
      // A setting without a value cannot be written: the file must leave it out.
      return (values.first.map { "\(key.rawValue): \(Self.value($0))" } ?? "# \(key.rawValue):", place)
    }
    if !configuration.handlers.isEmpty { lines.append(("handlers:", "")) }
    for (name, settings) in configuration.handlers.sorted(by: { $0.key < $1.key }) {
      let members = HandlerSettings.Key.allCases.compactMap { key in
        settings.text(of: key).map { "\(key.rawValue): \(Self.value($0))" }
      }
      lines.append(("  \(name): {\(members.joined(separator: ", "))}", handlerOrigins[name].map(Self.place) ?? ""))
    }
    let width = lines.map(\.0.count).max() ?? 0
    return lines.map { text, place in
      place.isEmpty ? text + "\n" : text + String(repeating: " ", count: width - text.count) + "  # \(place)\n"
    }.joined()
  }

  /// The key is on the line already.
  private static func place(_ origin: ConfigurationOrigin) -> String {
    if case .file(let path, let line, _) = origin { return "\(printable(path)):\(line)" }
    return origin.description
  }

  private static func value(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || [UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: ".")].contains(byte)
    }
    return isPlain && !text.isEmpty ? text : quoted(text)
  }

  /// YAML's double-quoted form takes what JSON's does (YAML 1.2.2, section 5.7).
  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": quoted += "\\" + String(scalar)
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\x" + (digits.count == 1 ? "0" : "") + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

extension ServerConfiguration {
  /// The texts that ``set(_:to:)`` would read as the present value; none: the setting is empty, as it is by default.
  func texts(of key: ConfigurationKey) -> [String] {
    switch key {
    case .listen: listen.map(\.description)
    case .acceptors: ["\(acceptors)"]
    case .workers: ["\(workers)"]
    case .tasks: ["\(tasks)"]
    case .store:
      switch store {
      case .sqlite(let path): ["sqlite:" + path]
      }
    case .publicFolder: [publicFolder ?? "none"]
    case .diagnostics: ["\(diagnostics)"]
    case .insecure: ["\(insecure)"]
    case .allowPrivateAddresses: ["\(allowPrivateAddresses)"]
    case .hosts: hosts
    case .requireTokens: ["\(requireTokens)"]
    case .tlsCertificate: tlsCertificate.map { [$0] } ?? []
    case .tlsKey: tlsKey.map { [$0] } ?? []
    case .rateLimit: ["\(rateLimit)"]
    case .maxConnections: maxConnections.map { ["\($0)"] } ?? []
    case .maxWait: [DurationText.text(maxWait)]
    case .maxResult: [ValueText.size(maxResultBytes)]
    case .maxLog: [ValueText.size(maxLogBytes)]
    case .callbackSecretFile: callbackSecretFile.map { [$0] } ?? []
    case .maxQueued: ["\(maxQueued)"]
    case .keyLimit: ["\(keyLimit)"]
    case .maxHeaders: [ValueText.size(maxHeaderBytes)]
    case .maxBody: [ValueText.size(maxBodyBytes)]
    case .memoryLimit: [ValueText.size(memoryLimitBytes)]
    case .drainTimeout: [DurationText.text(drainTimeout)]
    case .retention: [DurationText.text(retention)]
    case .timeout: defaultTimeout.map { [DurationText.text($0)] } ?? []
    case .logLevel: [logLevel.rawValue]
    case .accessLog: ["\(accessLog)"]
    }
  }
}

extension HandlerSettings {
  fileprivate func text(of key: Key) -> String? {
    switch key {
    case .executor: executor?.rawValue
    case .timeout: timeout.map(DurationText.text)
    case .memoryLimit: memoryLimitBytes.map(ValueText.size)
    case .maxAttempts: maxAttempts.map(String.init)
    case .keyLimit: keyLimit.map(String.init)
    }
  }
}
