import JobModel
import Testing

@testable import Configuration

@Suite("The configuration file")
struct ConfigurationFileTests {
  private let file = ConfigurationFile(path: "m.yaml", handlerNames: ["sleep", "mandelbrot"])

  private func configuration(_ text: String) throws -> ServerConfiguration {
    var configuration = ServerConfiguration(cores: 2)
    var origins: [ConfigurationKey: ConfigurationOrigin] = [:]
    try configuration.apply(file.layer(of: text), origins: &origins)
    return configuration
  }

  @Test("sets every key")
  func everyKey() throws {
    let text = """
      # All of them.
      listen: ["127.0.0.1:0", "unix:/tmp/x.sock"]
      acceptors: 3
      workers: 0
      tasks: 5
      store: sqlite:jobs.db
      hosts: [jobs.example.org, "Example.NET"]
      public: site
      diagnostics: true
      insecure: true
      require_tokens: true
      tls_certificate: chain.pem
      tls_key: "key.pem"
      allow_private_addresses: true
      rate_limit: 9
      callback_secret_file: /etc/secret
      max_queued: 7
      max_body: 8MiB
      max_headers: 32KiB
      max_connections: 11
      max_wait: 5m
      max_result: 1MiB
      max_log: 2KiB
      memory_limit: 67108864
      key_limit: 9
      drain_timeout: 0s
      retention: 1.5h
      timeout: 2m
      log_level: "debug"
      access_log: true
      handlers:
        sleep: { executor: thread, timeout: 500ms }
        mandelbrot:
          memory_limit: 512MiB
          max_attempts: 2
          key_limit: 0
      """
    for key in ConfigurationKey.allCases { #expect(text.contains("\n\(key.rawValue):"), "\(key)") }
    var expected = ServerConfiguration(cores: 2)
    expected.listen = [.tcp(host: "127.0.0.1", port: 0), .unix(path: "/tmp/x.sock")]
    expected.acceptors = 3
    expected.workers = 0
    expected.tasks = 5
    expected.store = .sqlite(path: "jobs.db")
    expected.hosts = ["jobs.example.org", "example.net"]
    expected.publicFolder = "site"
    expected.diagnostics = true
    expected.insecure = true
    expected.requireTokens = true
    expected.tlsCertificate = "chain.pem"
    expected.tlsKey = "key.pem"
    expected.allowPrivateAddresses = true
    expected.rateLimit = 9
    expected.callbackSecretFile = "/etc/secret"
    expected.maxQueued = 7
    expected.maxBodyBytes = 8 << 20
    expected.maxHeaderBytes = 32 << 10
    expected.maxConnections = 11
    expected.maxWait = .seconds(300)
    expected.maxResultBytes = 1 << 20
    expected.maxLogBytes = 2048
    expected.memoryLimitBytes = 64 << 20
    expected.keyLimit = 9
    expected.drainTimeout = .zero
    expected.retention = .seconds(5400)
    expected.defaultTimeout = .seconds(120)
    expected.logLevel = .debug
    expected.accessLog = true
    expected.handlers = [
      "sleep": HandlerSettings(executor: .thread, timeout: .milliseconds(500)),
      "mandelbrot": HandlerSettings(memoryLimitBytes: 512 << 20, maxAttempts: 2, keyLimit: 0),
    ]
    #expect(try configuration(text) == expected)
    #expect(expected.jsonBodyLimitBytes == 8 << 20)
  }

  @Test("may be empty, or have comments only", arguments: ["", "\n", "# nothing\n", "---\n"])
  func empty(text: String) throws {
    #expect(try configuration(text) == ServerConfiguration(cores: 2))
  }

  @Test("takes one address as it is")
  func oneAddress() throws {
    #expect(try configuration("listen: 127.0.0.1:9").listen == [.tcp(host: "127.0.0.1", port: 9)])
  }

  @Test(
    "names the line and the key of every mistake",
    arguments: [
      ("workers: 1\nmax_queud: 2", "m.yaml:2: max_queud: is not a setting"),
      ("workers: many", "m.yaml:1: workers: must be a whole number from 0 to 1024, not 'many'"),
      ("\n\nworkers: 1025", "m.yaml:3: workers: must be a whole number from 0 to 1024, not '1025'"),
      ("workers: -1", "m.yaml:1: workers: must be a whole number from 0 to 1024, not '-1'"),
      ("workers: 1.0", "m.yaml:1: workers: must be a whole number from 0 to 1024, not '1.0'"),
      ("workers: \"4\"", "m.yaml:1: workers: must be a number or a truth value, not text in quotes"),
      ("workers: [4]", "m.yaml:1: workers: must be a single value"),
      ("workers:\ntasks: 1", "m.yaml:1: workers: has no value"),
      ("workers: ~", "m.yaml:1: workers: has no value"),
      ("acceptors: 0", "m.yaml:1: acceptors: must be a whole number from 1 to 64, not '0'"),
      ("insecure: yes", "m.yaml:1: insecure: must be true or false, not 'yes'"),
      ("store: true", "m.yaml:1: store: must be text, not a truth value"),
      ("public: ''", "m.yaml:1: public: must be a folder, or none"),
      ("timeout: 30", "m.yaml:1: timeout: must be \(DurationText.expectation), not '30'"),
      ("timeout: 0s", "m.yaml:1: timeout: must be from 1ms to 365d, not '0s'"),
      ("memory_limit: 1MiB", "m.yaml:1: memory_limit: must be from 16MiB to 64TiB, not '1MiB'"),
      (
        "log_level: loud",
        "m.yaml:1: log_level: must be trace, debug, info, notice, warning, error or critical, not 'loud'"
      ),
      ("listen: []", "m.yaml:1: listen: must name at least one address"),
      ("listen:\n  - a:1\n  - a:1", "m.yaml:1: listen: names a:1 twice"),
      ("listen: {a: 1}", "m.yaml:1: listen: must be a single value or a list of them"),
      ("listen: [[a:1]]", "m.yaml:1: listen: must be a single value"),
      ("workers: 1\ntasks: 2\nworkers: 3", "m.yaml:1: workers: is given twice"),
      ("[1, 2]", "m.yaml:1: settings: must be a mapping, such as 'workers: 4'"),
      ("workers", "m.yaml:1: settings: must be a mapping, such as 'workers: 4'"),
      ("[a]: 1", "m.yaml:1: ?: must be the name of a setting"),
      ("handlers: 1", "m.yaml:1: handlers: must be a mapping of handlers"),
      ("handlers:\n  slep: {}", "m.yaml:2: handlers.slep: is not a handler of this server"),
      ("handlers:\n  sleep: 3", "m.yaml:2: handlers.sleep: must be a mapping, such as { timeout: 30s }"),
      ("handlers:\n  sleep:\n    speed: 3", "m.yaml:3: handlers.sleep.speed: is not a setting of a handler"),
      (
        "handlers:\n  sleep:\n    executor: fiber",
        "m.yaml:3: handlers.sleep.executor: must be task, thread or process, not 'fiber'"
      ),
      (
        "handlers:\n  sleep:\n    max_attempts: 0",
        "m.yaml:3: handlers.sleep.max_attempts: must be a whole number from 1 to 100, not '0'"
      ),
      ("handlers:\n  sleep: {timeout: 1s}\n  sleep: {}", "m.yaml:2: sleep: is given twice"),
      ("workers: 1\n  tasks: 2", "m.yaml:2: is not YAML: mapping values are not allowed in this context"),
      ("a: 1\n\u{1}", "m.yaml:2: is not YAML: control characters are not allowed"),
      ("workers: 1\n---\nworkers: 2", "m.yaml:2: is not YAML: but found another document"),
      ("workers: *nobody", "m.yaml:1: is not YAML: found undefined alias"),
      ("\u{1b}[2J: 1", "m.yaml:1: is not YAML: control characters are not allowed"),
    ])
  func mistakes(text: String, message: String) {
    let error = #expect(throws: ConfigurationError.self) { try configuration(text) }
    #expect(error?.description == message)
    #expect(error?.exitStatus == 78)
  }
}
