import JobModel

/// The settings, each under one name in three spellings: `max_queued` in the file, `MILLRACE_MAX_QUEUED` in the
/// environment, `--max-queued` as a flag. (`handlers:` is in the file only.)
public enum ConfigurationKey: String, Sendable, CaseIterable {
  case listen, acceptors, workers, tasks, store
  case hosts
  case publicFolder = "public"
  case diagnostics, insecure
  case requireTokens = "require_tokens"
  case tlsCertificate = "tls_certificate"
  case tlsKey = "tls_key"
  case allowPrivateAddresses = "allow_private_addresses"
  case callbackSecretFile = "callback_secret_file"
  case rateLimit = "rate_limit"
  case maxQueued = "max_queued"
  case maxBody = "max_body"
  case maxHeaders = "max_headers"
  case maxConnections = "max_connections"
  case maxWait = "max_wait"
  case maxResult = "max_result"
  case maxLog = "max_log"
  case memoryLimit = "memory_limit"
  case keyLimit = "key_limit"
  case drainTimeout = "drain_timeout"
  case retention, timeout
  case logLevel = "log_level"
  case accessLog = "access_log"

  public var flag: String { "--" + String(rawValue.map { $0 == "_" ? "-" : $0 }) }
  public var variable: String { Self.variablePrefix + rawValue.uppercased() }

  static let variablePrefix = "MILLRACE_"

  /// What a YAML value must be, before its text is read.
  enum Shape { case text, plainWord, list }

  var shape: Shape {
    switch self {
    case .listen, .hosts: .list
    case .acceptors, .workers, .tasks, .rateLimit, .maxQueued, .maxConnections, .keyLimit: .plainWord
    case .diagnostics, .insecure, .requireTokens, .allowPrivateAddresses, .accessLog: .plainWord
    default: .text
    }
  }
}

extension ServerConfiguration {
  /// Takes one setting as text, whatever source it is from. `texts` has one element, but for lists.
  mutating func set(_ key: ConfigurationKey, to texts: [String]) throws(ValueError) {
    let text = texts.last ?? ""
    switch key {
    case .listen: listen = try Self.addresses(texts)
    case .acceptors: acceptors = try ValueText.integer(text, in: 1...64)
    case .workers: workers = try ValueText.integer(text, in: 0...1024)
    case .tasks: tasks = try ValueText.integer(text, in: 1...1_000_000)
    case .store: store = try ValueText.store(text)
    case .hosts: hosts = try texts.map { (text) throws(ValueError) in try ValueText.hostName(text) }
    case .publicFolder:
      guard !text.isEmpty else { throw ValueError("must be a folder, or none") }
      publicFolder = text == "none" ? nil : text
    case .diagnostics: diagnostics = try ValueText.boolean(text)
    case .insecure: insecure = try ValueText.boolean(text)
    case .requireTokens: requireTokens = try ValueText.boolean(text)
    case .tlsCertificate: tlsCertificate = try ValueText.path(text)
    case .tlsKey: tlsKey = try ValueText.path(text)
    case .allowPrivateAddresses: allowPrivateAddresses = try ValueText.boolean(text)
    case .callbackSecretFile:
      guard !text.isEmpty, !text.utf8.contains(0) else { throw ValueError("must name a file") }
      callbackSecretFile = text
    case .rateLimit: rateLimit = try ValueText.integer(text, in: 0...100_000)
    case .maxQueued: maxQueued = try ValueText.integer(text, in: 1...100_000_000)
    case .maxBody: maxBodyBytes = try ValueText.size(text, in: 1024...(1 << 50))
    case .maxHeaders: maxHeaderBytes = try ValueText.size(text, in: 4096...(64 << 10))
    case .maxConnections: maxConnections = try ValueText.integer(text, in: 1...1_000_000)
    case .maxWait: maxWait = try ValueText.duration(text, in: .seconds(1) ... .seconds(3600))
    case .maxResult: maxResultBytes = try ValueText.size(text, in: 1024...(1 << 50))
    case .maxLog: maxLogBytes = try ValueText.size(text, in: 1024...(64 << 20))
    case .memoryLimit: memoryLimitBytes = try ValueText.size(text, in: HandlerSettings.memoryLimitRange)
    case .keyLimit: keyLimit = try ValueText.integer(text, in: HandlerSettings.keyLimitRange)
    case .drainTimeout: drainTimeout = try ValueText.duration(text, in: .zero ... .seconds(86_400))
    case .retention: retention = try ValueText.duration(text, in: .seconds(1) ... .seconds(3650 * 86_400))
    case .timeout: defaultTimeout = try ValueText.duration(text, in: HandlerSettings.timeoutRange)
    case .logLevel: logLevel = try ValueText.word(text, LogLevel.self)
    case .accessLog: accessLog = try ValueText.boolean(text)
    }
  }

  private static func addresses(_ texts: [String]) throws(ValueError) -> [ListenAddress] {
    guard !texts.isEmpty else { throw ValueError("must name at least one address") }
    guard texts.count <= 16 else { throw ValueError("must name at most 16 addresses") }
    var addresses: [ListenAddress] = []
    for text in texts {
      let address = try ListenAddress(text)
      // Port 0 is another free port each time.
      let isFreePort = if case .tcp(_, port: 0) = address { true } else { false }
      guard isFreePort || !addresses.contains(address) else { throw ValueError("names \(address) twice") }
      addresses.append(address)
    }
    return addresses
  }
}

extension HandlerSettings {
  /// The keys below `handlers: NAME:`.
  enum Key: String, CaseIterable {
    case executor, timeout
    case memoryLimit = "memory_limit"
    case maxAttempts = "max_attempts"
    case keyLimit = "key_limit"

    var shape: ConfigurationKey.Shape { self == .maxAttempts || self == .keyLimit ? .plainWord : .text }
  }

  /// Below 16 MiB a worker cannot even start; no machine has more than 64 TiB.
  static let memoryLimitRange = (16 << 20)...(64 << 40)
  /// 0 is no limit. A limit is counted by looking, so it is no larger than what one server runs.
  static let keyLimitRange = 0...10_000
  static let timeoutRange: ClosedRange<Duration> = .milliseconds(1)...Job.longestTimeout

  mutating func set(_ key: Key, to text: String) throws(ValueError) {
    switch key {
    case .executor: executor = try ValueText.word(text, Executor.self)
    case .timeout: timeout = try ValueText.duration(text, in: Self.timeoutRange)
    case .memoryLimit: memoryLimitBytes = try ValueText.size(text, in: Self.memoryLimitRange)
    case .maxAttempts: maxAttempts = try ValueText.integer(text, in: 1...100)
    case .keyLimit: keyLimit = try ValueText.integer(text, in: Self.keyLimitRange)
    }
  }
}
