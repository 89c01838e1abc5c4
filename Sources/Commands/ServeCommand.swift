import ArgumentParser
import Configuration

struct ServeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Run the server.",
    discussion: """
      Without a flag it listens on 127.0.0.1:8080, with an acceptor and a worker for each core, and keeps its jobs in \
      millrace.sqlite in the working directory.

        millrace serve
        millrace serve --listen unix:/run/millrace.sock --store /var/lib/jobs.sqlite
        millrace serve --config millrace.yaml --workers 16

      Every setting has one name in three spellings: --max-queued, MILLRACE_MAX_QUEUED in the environment, and max_queued in \
      the YAML file. Flags go over the environment, and that goes over the file. Only the file has handlers:

        max_queued: 20000
        handlers:
          mandelbrot: { executor: process, timeout: 30s, memory_limit: 512MiB }
          http_fetch: { max_attempts: 3 }

      A SIZE is bytes, or 64KiB, 10MiB, 1GiB; a DURATION is 500ms, 30s, 5m, 1.5h, 7d. Relative paths start at the working \
      directory. SIGTERM stops in order, SIGHUP reads the configuration again.

      Exit status: 0 stopped as asked, 1 failed while running, 64 usage, 66 a named file cannot be read, 69 an address cannot \
      be bound, 73 the store cannot be opened, 78 configuration.
      """)

  struct Reach: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "HOST:PORT, [::1]:PORT or unix:PATH; repeatable. Port 0 is a free one. (default: 127.0.0.1:8080)",
        valueName: "address"))
    var listen: [String] = []

    @Option(
      name: .customLong("hosts"),
      help: ArgumentHelp(
        "A name that a reverse proxy, or a user, calls the server by; repeatable. (default: its own)", valueName: "name"
      ))
    var hosts: [String] = []

    @Flag(inversion: .prefixedNo, help: "Ask for no tokens, even on an address that other machines reach.")
    var insecure: Bool?

    @Flag(inversion: .prefixedNo, help: "Ask for tokens on loopback too.")
    var requireTokens: Bool?

    @Option(
      help: ArgumentHelp(
        "Certificate chain as PEM; with it and the key, HOST:PORT speaks HTTPS only.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("Private key of the certificate as PEM, not encrypted.", valueName: "file"))
    var tlsKey: String?

    @Flag(inversion: .prefixedNo, help: "Let http_fetch and callbacks reach loopback and private networks.")
    var allowPrivateAddresses: Bool?

    @Option(
      help: ArgumentHelp(
        "Sign callbacks with the secret in this file: whsec_ and base64, or plain text. (default: unsigned)",
        valueName: "file"))
    var callbackSecretFile: String?

    @Option(
      name: .customLong("public"),
      help: ArgumentHelp(
        "Serve these files at /; 'none': nothing. (default: ./public, if it is there)", valueName: "folder"))
    var publicFolder: String?
  }

  struct Capacity: ParsableArguments {
    @Option(help: ArgumentHelp("Processes that accept connections, 1 to 64. (default: cores)", valueName: "number"))
    var acceptors: String?

    @Option(
      help: ArgumentHelp("Worker processes of the whole server, 0 to 1024. (default: cores)", valueName: "number"))
    var workers: String?

    @Option(help: ArgumentHelp("I/O jobs at once in each acceptor. (default: 10000)", valueName: "number"))
    var tasks: String?
  }

  struct Limits: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "Requests a second and client, and as many at once; 0: any number. (default: 0)", valueName: "number"))
    var rateLimit: String?

    @Option(
      help: ArgumentHelp("Jobs that may wait, in line and for their time each. (default: 100000)", valueName: "number"))
    var maxQueued: String?

    @Option(
      help: ArgumentHelp(
        "The largest request body; JSON is never larger than 16MiB. (default: 4GiB)", valueName: "size"))
    var maxBody: String?

    @Option(
      help: ArgumentHelp("Request line and header fields together, 4KiB to 64KiB. (default: 16KiB)", valueName: "size"))
    var maxHeaders: String?

    @Option(
      help: ArgumentHelp(
        "Connections at once; more wait to be accepted. (default: 10000 an acceptor)", valueName: "number"))
    var maxConnections: String?

    @Option(help: ArgumentHelp("The longest wait for a job within a request. (default: 60s)", valueName: "duration"))
    var maxWait: String?

    @Option(help: ArgumentHelp("The largest result; a job with a larger one fails. (default: 1GiB)", valueName: "size"))
    var maxResult: String?

    @Option(help: ArgumentHelp("How much of what a job prints is kept. (default: 1MiB)", valueName: "size"))
    var maxLog: String?

    @Option(help: ArgumentHelp("Memory of a job. (default: 1GiB)", valueName: "size"))
    var memoryLimit: String?

    @Option(help: ArgumentHelp("Jobs with one key that run at once; 0: any number. (default: 0)", valueName: "number"))
    var keyLimit: String?

    @Option(help: ArgumentHelp("Wall time of a job that names none. (default: unlimited)", valueName: "duration"))
    var timeout: String?

    @Option(help: ArgumentHelp("How long jobs may go on after SIGTERM. (default: 30s)", valueName: "duration"))
    var drainTimeout: String?

    @Option(help: ArgumentHelp("How long finished jobs are kept. (default: 7d)", valueName: "duration"))
    var retention: String?
  }

  @Option(help: ArgumentHelp("The YAML file. (default: $MILLRACE_CONFIG, or none)", valueName: "file"))
  var config: String?

  @Option(help: ArgumentHelp("PATH or sqlite:PATH of the jobs. (default: millrace.sqlite)", valueName: "path"))
  var store: String?

  @Option(help: "trace, debug, info, notice, warning, error or critical. (default: info)")
  var logLevel: String?

  @Flag(inversion: .prefixedNo, help: "Log a line for each request, at level info.")
  var accessLog: Bool?

  @Flag(inversion: .prefixedNo, help: "Also offer handlers that fail, crash, spin and leak on purpose.")
  var diagnostics: Bool?

  @OptionGroup(title: "Addresses") var reach: Reach
  @OptionGroup(title: "Capacity") var capacity: Capacity
  @OptionGroup(title: "Limits") var limits: Limits

  /// The flags that were given, as text: they are read where the file and the environment are.
  var flags: [ConfigurationKey: [String]] {
    var flags: [ConfigurationKey: [String]] = [:]
    if !reach.listen.isEmpty { flags[.listen] = reach.listen }
    if !reach.hosts.isEmpty { flags[.hosts] = reach.hosts }
    for key in ConfigurationKey.allCases {
      let text: String? =
        switch key {
        // Set above: those that may be repeated.
        case .listen, .hosts: nil
        case .acceptors: capacity.acceptors
        case .workers: capacity.workers
        case .tasks: capacity.tasks
        case .store: store
        case .publicFolder: reach.publicFolder
        case .diagnostics: diagnostics.map(String.init)
        case .insecure: reach.insecure.map(String.init)
        case .requireTokens: reach.requireTokens.map(String.init)
        case .tlsCertificate: reach.tlsCertificate
        case .tlsKey: reach.tlsKey
        case .allowPrivateAddresses: reach.allowPrivateAddresses.map(String.init)
        case .callbackSecretFile: reach.callbackSecretFile
        case .rateLimit: limits.rateLimit
        case .maxQueued: limits.maxQueued
        case .maxBody: limits.maxBody
        case .maxHeaders: limits.maxHeaders
        case .maxConnections: limits.maxConnections
        case .maxWait: limits.maxWait
        case .maxResult: limits.maxResult
        case .maxLog: limits.maxLog
        case .memoryLimit: limits.memoryLimit
        case .keyLimit: limits.keyLimit
        case .drainTimeout: limits.drainTimeout
        case .retention: limits.retention
        case .timeout: limits.timeout
        case .logLevel: logLevel
        case .accessLog: accessLog.map(String.init)
        }
      if let text { flags[key] = [text] }
    }
    return flags
  }
}
