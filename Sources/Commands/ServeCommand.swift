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

    @Flag(inversion: .prefixedNo, help: "Allow an address that other machines reach, although there are no tokens.")
    var insecure: Bool?

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
      help: ArgumentHelp("Jobs that may wait, in line and for their time each. (default: 100000)", valueName: "number"))
    var maxQueued: String?

    @Option(
      help: ArgumentHelp(
        "The largest request body; JSON is never larger than 16MiB. (default: 4GiB)", valueName: "size"))
    var maxBody: String?

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

  @Flag(inversion: .prefixedNo, help: "Also offer handlers that fail, crash, spin and leak on purpose.")
  var diagnostics: Bool?

  @OptionGroup(title: "Addresses") var reach: Reach
  @OptionGroup(title: "Capacity") var capacity: Capacity
  @OptionGroup(title: "Limits") var limits: Limits

  /// The flags that were given, as text: they are read where the file and the environment are.
  var flags: [ConfigurationKey: [String]] {
    var flags: [ConfigurationKey: [String]] = [:]
    if !reach.listen.isEmpty { flags[.listen] = reach.listen }
    for key in ConfigurationKey.allCases {
      let text: String? =
        switch key {
        // Set above: the only one that may be repeated.
        case .listen: nil
        case .acceptors: capacity.acceptors
        case .workers: capacity.workers
        case .tasks: capacity.tasks
        case .store: store
        case .publicFolder: reach.publicFolder
        case .diagnostics: diagnostics.map(String.init)
        case .insecure: reach.insecure.map(String.init)
        case .allowPrivateAddresses: reach.allowPrivateAddresses.map(String.init)
        case .callbackSecretFile: reach.callbackSecretFile
        case .maxQueued: limits.maxQueued
        case .maxBody: limits.maxBody
        case .memoryLimit: limits.memoryLimit
        case .keyLimit: limits.keyLimit
        case .drainTimeout: limits.drainTimeout
        case .retention: limits.retention
        case .timeout: limits.timeout
        case .logLevel: logLevel
        }
      if let text { flags[key] = [text] }
    }
    return flags
  }
}
