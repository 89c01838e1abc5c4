import Foundation
import Testing

@testable import Configuration

@Suite("Loading the configuration")
struct ConfigurationLoaderTests {
  /// Calls `body` with the path of a file of this content, in a folder that is gone afterwards.
  private func withFile<Value>(_ content: [UInt8], _ body: (String) throws -> Value) throws -> Value {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("cli-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appendingPathComponent("m.yaml")
    try Data(content).write(to: file)
    return try body(file.path)
  }

  @Test("the environment goes over the file, and flags go over both")
  func layers() throws {
    try withFile(Array("workers: 1\ntasks: 1\nmax_queued: 1".utf8)) { path in
      let environment = ["MILLRACE_TASKS": "2", "MILLRACE_MAX_QUEUED": "2", "HOME": "/"]
      let loader = ConfigurationLoader(
        flags: [.maxQueued: ["3"]], path: path, environment: environment, handlerNames: [])
      let configuration = try loader.load()
      #expect(configuration.workers == 1)
      #expect(configuration.tasks == 2)
      #expect(configuration.maxQueued == 3)
      #expect(configuration.acceptors == ServerConfiguration().acceptors)
    }
  }

  @Test("a printed configuration says where each setting came from, and reads back as the same")
  func printed() throws {
    let text = """
      listen: ["127.0.0.1:1", "unix:/tmp/a b\\"c.sock"]
      timeout: 1500ms
      memory_limit: 100MiB
      handlers:
        sleep: { executor: thread, timeout: 2m, memory_limit: 64MiB, max_attempts: 4 }
      """
    try withFile(Array(text.utf8)) { path in
      let loader = ConfigurationLoader(
        flags: [.workers: ["3"]], path: path,
        environment: ["MILLRACE_STORE": "sqlite:/tmp/x: #y.sqlite", "MILLRACE_PUBLIC": "none"], handlerNames: ["sleep"])
      let printed = try loader.loadWithOrigins()
      let yaml = printed.yaml
      for (setting, place) in [
        ("workers: 3", "--workers"), ("timeout: 1500ms", "\(path):2"), ("access_log: false", "default"),
        (#"store: "sqlite:/tmp/x: #y.sqlite""#, "MILLRACE_STORE"), ("  sleep: {executor: thread,", "\(path):5"),
      ] {
        let line = yaml.split(separator: "\n").first { $0.hasPrefix(setting) }
        #expect(line?.hasSuffix("  # \(place)") == true, "\(setting) in \(yaml)")
      }
      try Data(yaml.utf8).write(to: URL(fileURLWithPath: path))
      #expect(try ConfigurationLoader(path: path, handlerNames: ["sleep"]).load() == printed.configuration)
      #expect(try ConfigurationLoader(handlerNames: []).loadWithOrigins().yaml.contains("# timeout:"))
    }
  }

  @Test("a second load reads the file anew")
  func reload() throws {
    try withFile(Array("workers: 1".utf8)) { path in
      let loader = ConfigurationLoader(environment: ["MILLRACE_CONFIG": path], handlerNames: [])
      #expect(try loader.load().workers == 1)
      try Data("workers: 2".utf8).write(to: URL(fileURLWithPath: path))
      #expect(try loader.load().workers == 2)
      try Data("workers: x".utf8).write(to: URL(fileURLWithPath: path))
      #expect(throws: ConfigurationError.self) { try loader.load() }
    }
  }

  @Test("a mistake in a lower layer is reported although a higher one replaces the value")
  func hiddenMistake() throws {
    try withFile(Array("workers: x".utf8)) { path in
      let loader = ConfigurationLoader(flags: [.workers: ["1"]], path: path, handlerNames: [])
      let error = #expect(throws: ConfigurationError.self) { try loader.load() }
      #expect(error?.description.hasSuffix("m.yaml:1: workers: must be a whole number from 0 to 1024, not 'x'") == true)
    }
  }

  @Test("a bad flag is a usage error, a bad variable one of the configuration")
  func origins() {
    let flag = ConfigurationLoader(flags: [.maxQueued: ["x"]], handlerNames: [])
    #expect(
      throws: ConfigurationError(.usage, "--max-queued: must be a whole number from 1 to 100000000, not 'x'")
    ) { try flag.load() }
    let variable = ConfigurationLoader(environment: ["MILLRACE_MAX_QUEUED": ""], handlerNames: [])
    #expect(
      throws: ConfigurationError(
        .invalid, "MILLRACE_MAX_QUEUED: must be a whole number from 1 to 100000000, not ''")
    ) { try variable.load() }
  }

  @Test("a file that cannot be read says why, with status 66")
  func unreadable() throws {
    func failure(_ path: String) -> ConfigurationError? {
      #expect(throws: ConfigurationError.self) { try ConfigurationLoader(path: path, handlerNames: []).load() }
    }
    #expect(
      failure("/nowhere/m.yaml")
        == ConfigurationError(.unreadable, "/nowhere/m.yaml: cannot be read: No such file or directory"))
    #expect(failure("/dev/null") == ConfigurationError(.unreadable, "/dev/null: cannot be read: it is not a file"))
    #expect(failure("/")?.exitStatus == 66)
    try withFile([UInt8](repeating: UInt8(ascii: "#"), count: ConfigurationFile.limitBytes + 1)) { path in
      #expect(failure(path)?.description == "\(path): cannot be read: it is larger than 1MiB")
    }
    try withFile([0x61, 0xff]) { path in
      #expect(failure(path) == ConfigurationError(.invalid, "\(path): is not UTF-8 text"))
    }
  }

  @Test("a certificate needs its key, and both must be readable")
  func tlsFiles() throws {
    try withFile(Array("text".utf8)) { path in
      func error(_ flags: [ConfigurationKey: [String]]) -> ConfigurationError? {
        #expect(throws: ConfigurationError.self) { try ConfigurationLoader(flags: flags, handlerNames: []).load() }
      }
      let alone = error([.tlsKey: [path]])
      #expect(alone?.description == "--tls-key: tls_key needs tls_certificate as well" && alone?.exitStatus == 64)
      let missing = error([.tlsKey: [path], .tlsCertificate: ["\(path).none"]])
      #expect(missing?.exitStatus == 66)
      #expect(missing?.description.hasSuffix("cannot be read: No such file or directory") == true)
      let both = try ConfigurationLoader(flags: [.tlsKey: [path], .tlsCertificate: [path]], handlerNames: []).load()
      #expect(try both.readTLSFiles()?.key == Array("text".utf8))
      #expect(try ServerConfiguration().readTLSFiles() == nil)
    }
  }

  @Test("tokens are needed where others reach an address, unless insecure; on loopback if they are asked for")
  func reach() throws {
    func needsTokens(_ listen: [String], _ flags: [ConfigurationKey: [String]] = [:]) throws -> Bool {
      try ConfigurationLoader(flags: flags.merging([.listen: listen]) { $1 }, handlerNames: []).load().needsTokens
    }
    #expect(try !needsTokens(["127.0.0.1:80", "unix:x", "[::1]:80"]))
    #expect(try needsTokens(["unix:x", "0.0.0.0:80"]))
    #expect(try needsTokens(["localhost:80", "[::]:80"]))
    #expect(try !needsTokens(["0.0.0.0:80"], [.insecure: ["true"]]))
    #expect(try needsTokens(["127.0.0.1:80"], [.requireTokens: ["true"]]))
    #expect(try needsTokens(["0.0.0.0:80"], [.insecure: ["true"], .requireTokens: ["true"]]))
  }

  @Test("a public folder that was named must exist; none is none")
  func publicFolder() throws {
    #expect(throws: ConfigurationError(.unreadable, "--public: there is no folder '/nowhere'")) {
      try ConfigurationLoader(flags: [.publicFolder: ["/nowhere"]], handlerNames: []).load()
    }
    #expect(try ConfigurationLoader(flags: [.publicFolder: ["/tmp"]], handlerNames: []).load().publicFolder == "/tmp")
    #expect(try ConfigurationLoader(flags: [.publicFolder: ["none"]], handlerNames: []).load().publicFolder == nil)
  }

  @Test("variables that mean nothing are told apart from those that do")
  func unknownVariables() {
    let environment = [
      "MILLRACE_MAX_QUEUD": "1", "MILLRACE_WORKERS": "1", "MILLRACE_SERVER": "x", "MILLRACE_CONFIG": "y", "PATH": "z",
    ]
    #expect(
      ConfigurationLoader(environment: environment, handlerNames: []).unknownVariables == ["MILLRACE_MAX_QUEUD"])
  }

  @Test("each setting has three spellings of one name")
  func spellings() {
    #expect(ConfigurationKey.allowPrivateAddresses.flag == "--allow-private-addresses")
    #expect(ConfigurationKey.allowPrivateAddresses.variable == "MILLRACE_ALLOW_PRIVATE_ADDRESSES")
  }
}
