// What a server is told when it starts, or is reloaded: one value, made by `ConfigurationLoader` from the file, the
// environment and the flags. It knows nothing of who uses it, opens nothing and starts no thread, so the master may read
// it before it forks.

import JobModel

/// The settings of one server. A value that exists has passed every check.
public struct ServerConfiguration: Sendable, Equatable {
  /// At least one, no two alike.
  public var listen: [ListenAddress]
  /// 1…64 processes that accept connections.
  public var acceptors: Int
  /// 0…1024 worker processes of the whole server; the master shares them out between the acceptors.
  public var workers: Int
  /// 1…1,000,000 jobs at once of the executor `task`, in each acceptor.
  public var tasks: Int
  public var store: StoreLocation
  /// Names beside the server's own that clients may call it by, such as those of a reverse proxy: in lower case, without
  /// ports.
  public var hosts: [String]
  /// A folder that existed when the configuration was read; `nil`: no files are served.
  public var publicFolder: String?
  /// Also registers the handlers that fail, crash and spin on purpose.
  public var diagnostics: Bool
  /// Asks for no tokens, even where other machines reach an address.
  public var insecure: Bool
  /// Asks for tokens on loopback too.
  public var requireTokens: Bool
  /// Files of PEM text: the server's certificate chain and its key. Both or none; with them, TCP is TLS.
  public var tlsCertificate: String?
  public var tlsKey: String?
  /// Outgoing requests (`http_fetch`, callbacks) may reach loopback and private networks.
  public var allowPrivateAddresses: Bool
  /// Where the secret is kept that callbacks are signed with; `nil`: they are not signed.
  public var callbackSecretFile: String?
  /// What that file held when the configuration was read.
  public var callbackSecret: [UInt8]?
  /// Requests a second and client, and as many at once; 0: any number.
  public var rateLimit: Int
  /// Jobs in all lines, and as many again that wait for their time; over it a submit is refused with 503.
  public var maxQueued: Int
  /// The largest body that is streamed to disk. JSON documents are held in memory, see ``jsonBodyLimitBytes``.
  public var maxBodyBytes: Int
  /// The request line and the header fields of a request together.
  public var maxHeaderBytes: Int
  /// Of the whole server, shared out between the acceptors; `nil`: 10,000 for each.
  public var maxConnections: Int?
  /// The longest that a client may wait for a job within one request; whole seconds count.
  public var maxWait: Duration
  /// The largest result that is kept.
  public var maxResultBytes: Int
  /// How much is kept of what one attempt prints.
  public var maxLogBytes: Int
  /// Of one job, unless its handler's settings say otherwise.
  public var memoryLimitBytes: Int
  /// How many jobs with one key may run at once, unless their handler's settings say otherwise; 0: any number.
  public var keyLimit: Int
  /// How long running jobs may go on after a graceful stop was asked for, before they are handed back to the queue.
  public var drainTimeout: Duration
  /// How long a finished job is kept.
  public var retention: Duration
  /// Wall time of a job whose request and handler name none; `nil`: unlimited.
  public var defaultTimeout: Duration?
  public var logLevel: LogLevel
  /// A line in the log for each request.
  public var accessLog: Bool
  /// By handler name. Only what was set.
  public var handlers: [String: HandlerSettings]

  /// Clients on TCP need a token, on every address alike. Whoever may open a Unix socket's file needs none.
  public var needsTokens: Bool { requireTokens || !insecure && exposed != nil }
  /// An address that other machines reach.
  public var exposed: ListenAddress? { listen.first { !$0.isLocal } }

  /// The largest JSON body: `maxBodyBytes`, but never more than 16 MiB, because it is parsed in memory.
  public var jsonBodyLimitBytes: Int { min(maxBodyBytes, 16 << 20) }

  /// The settings of a server that was told nothing. `cores` is for `acceptors` and `workers`.
  public init(cores: Int = CoreCount.available()) {
    listen = [.tcp(host: "127.0.0.1", port: 8080)]
    acceptors = min(max(cores, 1), 64)
    workers = min(max(cores, 1), 1024)
    tasks = 10_000
    store = .sqlite(path: "millrace.sqlite")
    hosts = []
    publicFolder = nil
    diagnostics = false
    insecure = false
    requireTokens = false
    tlsCertificate = nil
    tlsKey = nil
    allowPrivateAddresses = false
    callbackSecretFile = nil
    callbackSecret = nil
    rateLimit = 0
    // A hundred thousand waiting jobs are hours of work for most handlers: a longer line helps no client.
    maxQueued = 100_000
    // What one upload may take of the disk.
    maxBodyBytes = 4 << 30
    maxHeaderBytes = 16 << 10
    maxConnections = nil
    maxWait = .seconds(60)
    maxResultBytes = 1 << 30
    maxLogBytes = 1 << 20
    memoryLimitBytes = 1 << 30
    keyLimit = 0
    drainTimeout = .seconds(30)
    retention = .seconds(7 * 86_400)
    defaultTimeout = nil
    logLevel = .info
    accessLog = false
    handlers = [:]
  }
}

/// Where jobs are kept.
public enum StoreLocation: Sendable, Equatable {
  /// A file, made if it is missing; relative to the working directory.
  case sqlite(path: String)

  public var path: String {
    switch self {
    case .sqlite(let path): path
    }
  }
}

/// How much is logged, least first to be dropped; the words are swift-log's.
public enum LogLevel: String, Sendable, CaseIterable {
  case trace, debug, info, notice, warning, error, critical
}
