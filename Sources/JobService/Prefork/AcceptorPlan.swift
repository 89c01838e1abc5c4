import Configuration
import HandlerAPI
import JobModel
import Logging
import Prefork

/// What every acceptor of one generation is made from. A value: it is made in the master and crosses the fork.
struct AcceptorPlan: Sendable {
  let configuration: ServerConfiguration
  let handlers: HandlerRegistry
  let memory: ServiceMemory
  let node: String
  let masterPID: Int32
  let startedAt: Timestamp
  let log: Logger

  /// The workers of one acceptor. The seats of a generation follow one another, so their remainders differ.
  func workers(seat: Int) -> Int {
    let (share, rest) = configuration.workers.quotientAndRemainder(dividingBy: configuration.acceptors)
    return min(share + (seat % configuration.acceptors < rest ? 1 : 0), WorkerTable.rowsASeat)
  }

  /// The host names that clients may use for this server.
  var ownNames: Set<String> {
    var names: Set<String> = ["localhost", node.lowercased()]
    for address in configuration.listen {
      if case .tcp(let host, _) = address { names.insert(host.lowercased()) }
    }
    return names
  }
}
