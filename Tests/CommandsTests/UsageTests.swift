import Configuration
import Testing

@testable import Commands

@Suite("The command line")
struct UsageTests {
  @Test(
    "a mistake is told in one line, with a hint, and ends with 64",
    arguments: [
      (["bogus"], "Unexpected argument 'bogus'", ""), (["--bogus"], "Unknown option '--bogus'", ""),
      (["serve", "--no-such-thing"], "Unknown option '--no-such-thing'", "serve "),
      (["serve", "extra"], "Unexpected argument 'extra'", "serve "),
      (["serve", "--workers"], "Missing value for '--workers <number>'", "serve "),
      (["serve", "--workers", "x"], "--workers: must be a whole number from 0 to 1024, not 'x'", "serve "),
      (["serve", "--listen", "x"], "--listen: must be HOST:PORT, [IPV6]:PORT or unix:PATH, not 'x'", "serve "),
      (["serve", "--rate-limit", "x"], "--rate-limit: must be a whole number from 0 to 100000, not 'x'", "serve "),
      (["submit"], "Missing expected argument '<handler>'", "submit "),
      (["submit", "h", "x"], "the argument 'x' is neither JSON nor name=value", "submit "),
      (
        ["submit", "h", "--timeout", "5"],
        "--timeout: must be a number and a unit (ms, s, m, h or d), such as 500ms, 30s or 1.5h, not '5'", "submit "
      ),
      (["submit", "h", "--wait=soon"], "--wait: must be seconds, or a duration such as 5m, not 'soon'", "submit "),
      (["submit", "h", "--priority", "-101"], "--priority: must be from -100 to 100, not '-101'", "submit "),
      (["submit", "h", "--max-attempts", "0"], "--max-attempts: must be at least 1, not '0'", "submit "),
      (
        ["submit", "h", "--run-at", "now"],
        "--run-at: must be an RFC 3339 date and time with an offset, such as 2026-01-01T00:00:00Z, not 'now'",
        "submit "
      ),
      (
        ["submit", "h", "--run-at", "2026-01-01T00:00:00Z", "--delay", "1s"],
        "--delay and --run-at exclude one another", "submit "
      ),
      (["submit", "h", "--metadata", "[1]"], "--metadata: must be a JSON object, not '[1]'", "submit "),
      (["submit", "h", "--type", "a/b"], "--type: is about the body, and there is no --body", "submit "),
      (["get", "1", "--log", "--json"], "--result, --log and --json exclude one another", "get "),
      (["get"], "Missing expected argument '<id>'", "get "),
      (["wait"], "Missing expected argument '<ids> ...'", "wait "),
      (["wait", "1", "--timeout", "x"], "--timeout: must be seconds, or a duration such as 5m, not 'x'", "wait "),
      (
        ["list", "--state", "dead"],
        "--state: must be one of scheduled, queued, running, succeeded, failed, cancelled, not 'dead'", "list "
      ),
      (
        ["tokens", "create", "--scope", "all"], "--scope: must be submit, read or operate, not 'all'", "tokens create "
      ),
      (["list", "--token", "a", "--token-file", "b"], "--token and --token-file exclude one another", "list "),
      (["list", "--limit", "0"], "--limit: must be at least 1, not '0'", "list "),
      (
        ["list", "--server", "h:80"],
        "--server: must be http://HOST:PORT, https://HOST or unix:PATH, not 'h:80'", "list "
      ),
    ])
  func mistakes(arguments: [String], message: String, command: String) {
    let ran = Ran(arguments)
    #expect(ran.errors == "millrace: \(message) (see 'millrace \(command)--help')\n")
    #expect(ran.status == 64)
    #expect(ran.output.isEmpty)
  }

  @Test(
    "help and the version go to standard output", arguments: [["--help"], ["help", "serve"], ["submit", "--help"]])
  func help(arguments: [String]) {
    let ran = Ran(arguments)
    #expect(ran.status == 0)
    #expect(ran.text.contains("USAGE: millrace "))
    #expect(ran.errors.isEmpty)
    #expect(Ran(["--version"]).text == "millrace \(MillraceVersion.text)\n")
  }

  @Test("no command at all is a mistake that shows the help")
  func nothing() {
    let ran = Ran([])
    #expect(ran.status == 64)
    #expect(ran.errors.contains("SUBCOMMANDS:"))
    #expect(ran.output.isEmpty)
  }

  @Test("every flag of serve arrives in the configuration")
  func everyFlag() throws {
    var served: ServerConfiguration?
    let ran = Ran(
      [
        "serve", "--listen", "127.0.0.1:0", "--listen", "unix:x.sock", "--acceptors", "3", "--workers", "0", "--tasks",
        "5", "--store", "jobs.db", "--public", "/tmp", "--hosts", "a.example", "--hosts", "b", "--diagnostics",
        "--insecure", "--require-tokens", "--allow-private-addresses", "--max-queued", "7", "--max-connections", "11",
        "--max-wait", "5m", "--max-result",
        "1MiB", "--max-log", "2KiB", "--rate-limit", "9", "--max-body", "8MiB", "--max-headers", "8KiB",
        "--memory-limit", "64MiB",
        "--key-limit", "9", "--drain-timeout", "1s", "--retention", "1h", "--timeout", "2m", "--log-level", "debug",
        "--access-log", "--tls-certificate", "/etc/passwd", "--tls-key", "/etc/group",
      ],
      serve: { configuration, loader in
        served = configuration
        #expect((try? loader.load()) == configuration)
        return 42
      })
    #expect(ran.status == 42)
    var expected = ServerConfiguration()
    expected.listen = [.tcp(host: "127.0.0.1", port: 0), .unix(path: "x.sock")]
    expected.acceptors = 3
    expected.workers = 0
    expected.tasks = 5
    expected.store = .sqlite(path: "jobs.db")
    expected.hosts = ["a.example", "b"]
    expected.publicFolder = "/tmp"
    expected.diagnostics = true
    expected.insecure = true
    expected.requireTokens = true
    // Files that every machine has: what they hold is looked at later.
    expected.tlsCertificate = "/etc/passwd"
    expected.tlsKey = "/etc/group"
    expected.allowPrivateAddresses = true
    expected.rateLimit = 9
    expected.maxQueued = 7
    expected.keyLimit = 9
    expected.maxBodyBytes = 8 << 20
    expected.maxHeaderBytes = 8 << 10
    expected.maxConnections = 11
    expected.maxWait = .seconds(300)
    expected.maxResultBytes = 1 << 20
    expected.maxLogBytes = 2048
    expected.memoryLimitBytes = 64 << 20
    expected.drainTimeout = .seconds(1)
    expected.retention = .seconds(3600)
    expected.defaultTimeout = .seconds(120)
    expected.logLevel = .debug
    expected.accessLog = true
    #expect(served == expected)
  }

  @Test("a configuration is checked and printed without being served")
  func configuration() {
    let good = Ran(["config", "check", "--workers", "3"])
    #expect(good.status == 0 && good.text.isEmpty && good.errors.isEmpty)
    let bad = Ran(["config", "check"], environment: ["MILLRACE_TASKS": "x"])
    #expect(bad.status == 78 && bad.text.isEmpty)
    #expect(bad.errors.hasPrefix("millrace: MILLRACE_TASKS: must be a whole number"))
    let wrong = Ran(["config", "print", "--workers", "x"])
    #expect(wrong.status == 64 && wrong.errors.hasSuffix("(see 'millrace config print --help')\n"))
    let unknown = Ran(["config", "check", "--wrokers", "3"])
    #expect(unknown.status == 64 && unknown.errors.hasSuffix("(see 'millrace config check --help')\n"))
    let printed = Ran(["config", "print", "--workers", "3"])
    #expect(printed.status == 0 && printed.errors.isEmpty)
    #expect(printed.text.split(separator: "\n").contains { $0.hasPrefix("workers: 3 ") && $0.hasSuffix("# --workers") })
    #expect(printed.text.split(separator: "\n").count == ConfigurationKey.allCases.count)
  }

  @Test("a flag can take back what the environment says")
  func negatedFlag() {
    var served: ServerConfiguration?
    let ran = Ran(["serve", "--no-diagnostics"], environment: ["MILLRACE_DIAGNOSTICS": "true"]) { configuration, _ in
      served = configuration
      return 0
    }
    #expect(ran.status == 0)
    #expect(served?.diagnostics == false)
  }

  @Test("mistakes outside of the command line have statuses of their own, and no hint")
  func otherSources() {
    let file = Ran(["serve", "--config", "/nowhere.yaml"])
    #expect(file.status == 66)
    #expect(file.errors == "millrace: /nowhere.yaml: cannot be read: No such file or directory\n")
    let variable = Ran(["serve"], environment: ["MILLRACE_TASKS": "x"])
    #expect(variable.status == 78)
    #expect(variable.errors == "millrace: MILLRACE_TASKS: must be a whole number from 1 to 1000000, not 'x'\n")
    let server = Ran(["list"], environment: ["MILLRACE_SERVER": "h:80"])
    #expect(server.status == 64)
  }

  @Test("a variable that means nothing is warned of, and the server starts")
  func unknownVariable() {
    let ran = Ran(["serve"], environment: ["MILLRACE_WORKES": "2"], serve: { _, _ in 0 })
    #expect(ran.status == 0)
    #expect(ran.errors == "millrace: warning: the variable MILLRACE_WORKES is not a setting\n")
  }
}
