import Configuration
import HTTPServer
import HandlerAPI
import JobModel
import Logging
import Prefork

/// What every acceptor of one generation is made from. A value: it is made in the master and crosses the fork.
struct AcceptorPlan: Sendable {
  let configuration: ServerConfiguration
  /// With it, TCP is TLS.
  let identity: TLSIdentity?
  let handlers: HandlerRegistry
  let memory: ServiceMemory
  let node: String
  let masterPID: Int32
  let startedAt: Timestamp
  let log: Logger

  /// The workers of one acceptor.
  ///
  /// - Parameter rank: its place among the acceptors of its generation. Not its seat: those of a generation need not
  ///   follow one another while earlier ones drain, and so all might miss the places that get the remainder.
  func workers(rank: Int) -> Int {
    Self.share(of: configuration.workers, among: configuration.acceptors, rank: rank)
  }

  static func share(of workers: Int, among acceptors: Int, rank: Int) -> Int {
    let (share, rest) = workers.quotientAndRemainder(dividingBy: acceptors)
    return min(share + (rank % acceptors < rest ? 1 : 0), WorkerTable.workersASeat)
  }

  /// What each acceptor allows its clients.
  var serverOptions: HTTPServerOptions {
    var options = HTTPServerOptions()
    options.headerLimitBytes = configuration.maxHeaderBytes
    options.targetLimitBytes = min(options.targetLimitBytes, configuration.maxHeaderBytes)
    // A share of the server's, rounded up.
    if let connections = configuration.maxConnections {
      options.connectionLimit = (connections + configuration.acceptors - 1) / configuration.acceptors
    }
    // An answer that was asked to wait is not late.
    options.answerDeadline = max(options.answerDeadline, configuration.maxWait + .seconds(60))
    return options
  }

  /// The host names that clients may use for this server.
  var ownNames: Set<String> {
    var names: Set<String> = Set(["localhost", node.lowercased()] + configuration.hosts)
    for address in configuration.listen {
      if case .tcp(let host, _) = address { names.insert(host.lowercased()) }
    }
    return names
  }
}
