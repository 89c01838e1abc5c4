// The server as a whole, seen from the master: what is checked and made before the first fork, and the exit status.
//
// This process must keep its one thread. What needs more (the database) is done by a child that ends.

import Configuration
import Glibc
import HTTPServer
import HandlerAPI
import JobModel
import JobStore
import Logging
import Multiprocessing
import Prefork

public enum Service {
  /// Exit statuses of `millrace serve` (the numbers are sysexits.h's).
  enum Exit {
    static let failed: Int32 = 1
    static let addressNotBound: Int32 = 69
    static let storeNotOpened: Int32 = 73
    static let configuration: Int32 = 78
  }

  /// How long the store may take to be made or migrated.
  static let prepareLimit = Duration.seconds(600)

  /// Serves until it is told to stop; returns the process's exit status.
  ///
  /// - Parameters:
  ///   - handlers: for a configuration, because the diagnostic ones are a matter of configuration.
  ///   - reload: reads the configuration anew.
  public static func serve(
    _ configuration: ServerConfiguration, handlers: @escaping (ServerConfiguration) -> [any Handler.Type],
    reload: @escaping () throws -> ServerConfiguration
  ) -> Int32 {
    LogSetup.start(configuration.logLevel)
    let log = Logger(label: "millrace")
    let registry: HandlerRegistry
    let identity: TLSIdentity?
    do {
      identity = try TLSSetup.identity(configuration, log)
      registry = try HandlerRegistry(types: handlers(configuration), configuration)
    } catch {
      return fail(Exit.configuration, "\(error)")
    }
    let listeners: [ListenSocket]
    do {
      listeners = try configuration.listen.flatMap { try ListenSocket.listen(on: $0.forPrefork) }
    } catch {
      return fail(Exit.addressNotBound, "\(error)")
    }
    let reservation: ServerReservation
    do {
      reservation = try ServerReservation(path: configuration.store.path)
    } catch {
      return failAtStore(configuration.store.path, error)
    }
    // Until the last child is gone.
    defer { withExtendedLifetime(reservation) {} }
    do {
      let memory = ServiceMemory(
        try SharedMemory.map(bytes: ServiceMemory.byteCount(seats: SeatTable.capacity)).base,
        seats: SeatTable.capacity)
      let startedAt = Timestamp.now
      let node = hostName()
      let master = getpid()
      func plan(
        _ configuration: ServerConfiguration, _ identity: TLSIdentity?, _ registry: HandlerRegistry
      ) -> AcceptorPlan {
        memory.measurements.handlers.add(registry.map(\.name).sorted())
        return AcceptorPlan(
          configuration: configuration, identity: identity, handlers: registry, memory: memory, node: node,
          masterPID: master, startedAt: startedAt, log: log)
      }
      if let status = try prepareStore(configuration, registry, log) { return status }
      let first = plan(configuration, identity, registry)
      let masterPlan = MasterPlan(
        listeners: listeners, acceptors: configuration.acceptors,
        first: AcceptorGeneration(drainTimeout: configuration.drainTimeout) { Acceptor.main($0, first) },
        log: { LogSetup.write($0, $1, $2, to: log) },
        reload: {
          let changed = try reload()
          let identity = try TLSSetup.identity(changed, log)
          let registry = try HandlerRegistry(types: handlers(changed), changed)
          Self.warnOfWhatIsKept(configuration, changed, log)
          let kept = changed.keepingProcesses(of: configuration)
          let next = plan(kept, identity, registry)
          return AcceptorGeneration(drainTimeout: kept.drainTimeout) { Acceptor.main($0, next) }
        })
      let server = try Master(plan: masterPlan)
      let idle = configuration.workers == 0 ? registry.filter { $0.executor == .process }.map(\.name) : []
      if !idle.isEmpty {
        log.warning(
          "there are no workers: jobs of these handlers wait", metadata: ["handlers": "\(idle.joined(separator: " "))"])
      }
      warnOfReach(configuration, log)
      log.notice("\(startLine(configuration, listeners))")
      return server.run()
    } catch {
      return fail(Exit.failed, "\(error)")
    }
  }

  /// Makes and migrates the store, and deals with what the last server left behind, in a child.
  ///
  /// - Returns: the status to exit with where that failed.
  private static func prepareStore(
    _ configuration: ServerConfiguration, _ registry: HandlerRegistry, _ log: Logger
  ) throws(PreforkError) -> Int32? {
    let end = try runInChild(name: "millrace-store", limit: prepareLimit) {
      FreshThread.run { StorePreparation.run(configuration, registry, log) }
    }
    switch end {
    case .exited(0): return nil
    case .exited(let status): return status
    default: return fail(Exit.storeNotOpened, "the store could not be prepared: its process \(end)")
    }
  }

  private static func startLine(_ configuration: ServerConfiguration, _ listeners: [ListenSocket]) -> String {
    let scheme = configuration.tlsKey == nil ? "" : "https://"
    let addresses = listeners.map { ($0.isTCP ? scheme : "") + $0.address.description }.joined(separator: ", ")
    let acceptors = "\(configuration.acceptors) acceptor\(configuration.acceptors == 1 ? "" : "s")"
    let workers = "\(configuration.workers) worker\(configuration.workers == 1 ? "" : "s")"
    return "millrace \(MillraceVersion.text) serves \(addresses) with \(acceptors) and \(workers)"
      + ", jobs in \(configuration.store.path)"
  }

  private static func warnOfReach(_ configuration: ServerConfiguration, _ log: Logger) {
    guard let exposed = configuration.exposed else { return }
    if !configuration.needsTokens {
      log.warning(
        "whoever reaches this address may run jobs: no tokens are asked for", metadata: ["listen": "\(exposed)"])
    }
    if configuration.tlsKey == nil {
      log.warning(
        "what goes over this address can be read on the way: there is no TLS", metadata: ["listen": "\(exposed)"])
    }
  }

  private static func warnOfWhatIsKept(_ old: ServerConfiguration, _ new: ServerConfiguration, _ log: Logger) {
    if old.listen != new.listen || old.acceptors != new.acceptors || old.store != new.store {
      log.warning("listen, acceptors and store change with a restart only; the old ones are kept")
    }
  }

  /// In words for whoever starts a server, who knows nothing of the store's verbs.
  static func failAtStore(_ path: String, _ error: any Error) -> Int32 {
    let cause = (error as? StoreError)?.cause ?? "\(error)"
    // Some causes begin with the file that they are about.
    let place = cause.hasPrefix(path) ? "" : "\(path): "
    return fail(Exit.storeNotOpened, "the store cannot be opened: \(place)\(cause)")
  }

  static func fail(_ status: Int32, _ message: String) -> Int32 {
    // write(2) and not stdio, whose `stderr` the compiler takes for shared mutable state.
    var line = "millrace: \(message.split(separator: "\n").joined(separator: " "))\n"
    line.withUTF8 { _ = Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    return status
  }

  private static func hostName() -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
