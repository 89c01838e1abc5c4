// An HTTP/1.1 server on the event loop: libmicrohttpd 0.9.75 in external mode behind requests and responses of our own.
// This module alone says MHD_. It owns the accepted connections, and not the listening sockets; it must not know what is
// served.

import CLinux
import CMicrohttpd
import EventLoop
import Glibc

/// Serves one application on sockets that sibling processes may serve too. Whoever starts it keeps it until it
/// has closed it.
@LoopActor
public final class HTTPServer {
  public let options: HTTPServerOptions
  let application: any HTTPApplication
  let headGuard: HeadGuard
  /// The monotonic time in nanoseconds, read once each time something is done.
  private(set) var now = MonotonicClock.now

  /// Asked after each accepted connection: may this process take another at once? Else its siblings get a moment to take
  /// it first. `nil`: it always may.
  public var mayAccept: (@LoopActor () -> Bool)?
  /// Called with each status that the server answers by itself, because the request is not one to ask the application about.
  public var onRefusal: (@LoopActor (Int) -> Void)?
  /// Called whenever the last request in flight has been answered and sent.
  public var onIdle: (@LoopActor () -> Void)?
  /// Requests whose head is complete and whose reply is not sent.
  public private(set) var requestsInFlight = 0
  /// While draining: each reply says that its connection is closed. A connection without a request stays for the one that
  /// its client may be sending at this moment; ``closeIdle()`` ends those that sent none.
  public var closeAfterReply = false

  private let limits: Limits
  /// Serve the connections as they are, and those that speak TLS.
  private var plain: Daemon?
  private var encrypted: Daemon?
  private var daemons: [Daemon] { [plain, encrypted].compactMap(\.self) }
  private var doorkeeper: Doorkeeper?
  private var listeners: [Listener] = []
  private var isAccepting = false
  private var connections: [Connection] = []
  private var farewells: [ObjectIdentifier: Farewell] = [:]
  private var openCount = 0
  private var admitted: (daemon: Daemon, client: ClientAddress, head: CheckedHead?)?
  private var isInsideDaemon = false
  private var closeIsDue = false
  private var tick: TimerToken?
  /// Connections that may still be trimmed in this look at the times.
  private var trimsLeft = 0

  /// The options' times in nanoseconds.
  struct Limits {
    let keepAlive, header, bodyGrace, sendStall, answer: UInt64
    /// How often the times are looked at.
    let tick: Duration

    init(_ options: HTTPServerOptions) {
      keepAlive = options.keepAliveTimeout.nanosecondsClamped
      header = options.headerDeadline.nanosecondsClamped
      bodyGrace = options.bodyGrace.nanosecondsClamped
      sendStall = options.sendStallTimeout.nanosecondsClamped
      answer = options.answerDeadline.nanosecondsClamped
      let shortest = min(keepAlive, header, bodyGrace, sendStall, answer)
      tick = .nanoseconds(Int64(min(max(shortest / 8, 10_000_000), 500_000_000)))
    }
  }

  public init(options: HTTPServerOptions = HTTPServerOptions(), application: any HTTPApplication) {
    self.options = options
    self.application = application
    headGuard = HeadGuard(headerLimitBytes: options.headerLimitBytes, targetLimitBytes: options.targetLimitBytes)
    limits = Limits(options)
  }

  /// Connections of every kind: served, waiting for their first request, and being closed.
  public var connectionCount: Int { openCount }

  // MARK: - Starting and stopping

  /// Begins to accept from these sockets, which are bound, listening and non-blocking, and stay the caller's. Called once,
  /// after the last fork. Ignores SIGPIPE for the whole process: a client may leave at any moment, and sendfile(2) has no
  /// MSG_NOSIGNAL.
  ///
  /// - Parameters:
  ///   - descriptors: sockets whose clients speak HTTP as it is.
  ///   - encryptedDescriptors: sockets whose clients speak TLS, with the `identity` of the server.
  /// - Throws: ``HTTPServerError`` when libmicrohttpd does not start.
  public func start(
    listeners descriptors: [Int32], encrypted encryptedDescriptors: [Int32] = [], identity: TLSIdentity? = nil
  ) throws(HTTPServerError) {
    precondition(plain == nil && encrypted == nil && !closeIsDue, "a server is started once")
    precondition(encryptedDescriptors.isEmpty || identity != nil, "TLS needs a certificate and its key")
    signal(SIGPIPE, SIG_IGN)
    if !descriptors.isEmpty { plain = try Daemon(for: self, identity: nil) }
    if !encryptedDescriptors.isEmpty { encrypted = try Daemon(for: self, identity: identity) }
    doorkeeper = Doorkeeper(server: self)
    for daemon in daemons {
      EpollLoop.shared.watch(daemon.epollDescriptor, for: .readable) { [weak self, weak daemon] _ in
        if let daemon { self?.run(daemon) }
      }
    }
    EpollLoop.shared.addBeforeSleep { [weak self] in self?.beforeSleep() }
    listeners =
      descriptors.map { Listener($0, isEncrypted: false, server: self) }
      + encryptedDescriptors.map { Listener($0, isEncrypted: true, server: self) }
    isAccepting = true
    reopenListeners()
  }

  /// Leaves the listening sockets to the sibling processes; the connections that are open are served on.
  public func stopAccepting() {
    isAccepting = false
    for listener in listeners { listener.pause() }
  }

  /// Ends every connection, whatever it is doing, and frees everything. May be called twice, and from inside a request.
  public func close() {
    stopAccepting()
    closeIsDue = true
    if !isInsideDaemon { finishClosing() }
  }

  private func finishClosing() {
    let daemons = daemons
    guard !daemons.isEmpty else { return }
    // Those who are told that their client is gone may close the server once more.
    isInsideDaemon = true
    doorkeeper?.sendAway(all: true)
    // A suspended connection must be resumed before the daemon stops, which would abort the process.
    for connection in connections { connection.endForGood() }
    for daemon in daemons {
      daemon.run()
      EpollLoop.shared.unwatch(daemon.epollDescriptor)
      daemon.stop()
    }
    isInsideDaemon = false
    (plain, encrypted) = (nil, nil)
    for farewell in Array(farewells.values) { farewell.end() }
    listeners = []
    doorkeeper = nil
    if let tick { EpollLoop.shared.cancel(tick) }
    tick = nil
  }

  /// Closes the connections that have no request.
  public func closeIdle() {
    doorkeeper?.sendAway(all: false)
    for connection in connections where connection.phase == .idle { connection.endQuietly() }
  }

  // MARK: - Running libmicrohttpd

  private func run(_ daemon: Daemon) {
    guard !isInsideDaemon else { return }
    now = MonotonicClock.now
    isInsideDaemon = true
    daemon.run()
    isInsideDaemon = false
    if closeIsDue { finishClosing() }
  }

  private func beforeSleep() -> Duration? {
    var shortest: Duration?
    if let plain { shortest = rest(plain) }
    if let encrypted, let rest = rest(encrypted) { shortest = min(shortest ?? rest, rest) }
    return shortest
  }

  /// How long the daemon may be left alone.
  private func rest(_ daemon: Daemon) -> Duration? {
    if daemon.needsRun { run(daemon) }
    return daemon.timeout()
  }

  private func startTicking() {
    guard tick == nil else { return }
    tick = EpollLoop.shared.schedule(after: limits.tick) { [weak self] in self?.checkTime() }
  }

  private func checkTime() {
    tick = nil
    now = MonotonicClock.now
    // Each costs a few microseconds, and requests wait meanwhile.
    trimsLeft = 500
    doorkeeper?.checkTime(limits)
    // Not the array itself: a connection may end while it is looked at.
    for connection in Array(connections) { connection.checkTime(limits) }
    if openCount > 0, doorkeeper != nil { startTicking() }
  }

  func mayTrim() -> Bool {
    trimsLeft -= 1
    return trimsLeft >= 0
  }

  // MARK: - Connections

  func reopenListeners() {
    guard isAccepting, openCount < options.connectionLimit else { return }
    for listener in listeners { listener.open() }
  }

  func accepted(_ descriptor: Int32, from client: ClientAddress, isEncrypted: Bool) {
    now = MonotonicClock.now
    openCount += 1
    if openCount == options.connectionLimit {
      for listener in listeners { listener.pause() }
    }
    startTicking()
    guard let doorkeeper else { preconditionFailure("connections are accepted while the server runs") }
    doorkeeper.receive(descriptor, from: client, isEncrypted: isEncrypted)
  }

  /// Hands a connection over to libmicrohttpd, which owns the descriptor from then on.
  func serve(_ descriptor: Int32, _ client: ClientAddress, _ head: CheckedHead?, isEncrypted: Bool) {
    guard let daemon = isEncrypted ? encrypted : plain else {
      Glibc.close(descriptor)
      return connectionEnded()
    }
    admitted = (daemon, client, head)
    if !daemon.add(descriptor) { connectionEnded() }
    admitted = nil
  }

  /// A reply has been written to this connection, and it is closed when the client has had time to read it.
  func sayFarewell(_ descriptor: Int32) {
    let farewell = Farewell(descriptor, options: options) { [weak self] farewell in
      self?.farewells[ObjectIdentifier(farewell)] = nil
      self?.connectionEnded()
    }
    farewells[ObjectIdentifier(farewell)] = farewell
  }

  func connectionEnded() {
    openCount -= 1
    reopenListeners()
  }

  // MARK: - What libmicrohttpd tells

  func connectionBegan(_ handle: OpaquePointer) -> Connection {
    guard let admitted else { preconditionFailure("libmicrohttpd accepts no connections by itself") }
    let connection = Connection(
      server: self, daemon: admitted.daemon, mhd: handle, client: admitted.client, checked: admitted.head)
    connection.index = connections.count
    connections.append(connection)
    return connection
  }

  /// libmicrohttpd closes the descriptor right after this.
  func connectionClosed(_ connection: Connection) {
    let last = connections.removeLast()
    if last !== connection {
      connections[connection.index] = last
      last.index = connection.index
    }
    let kept = connection.lingers && !closeIsDue ? fcntl(connection.descriptor, F_DUPFD_CLOEXEC, 0) : -1
    if kept >= 0 { sayFarewell(kept) } else { connectionEnded() }
  }

  func requestBegan() { requestsInFlight += 1 }

  func requestEnded() {
    requestsInFlight -= 1
    if requestsInFlight == 0 { onIdle?() }
  }
}
