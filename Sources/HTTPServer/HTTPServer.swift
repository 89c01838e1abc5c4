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
  /// libmicrohttpd has something to do that no descriptor tells.
  var needsRun = false

  /// Asked after each accepted connection: may this process take another at once? Else its siblings get a moment to take
  /// it first. `nil`: it always may.
  public var mayAccept: (@LoopActor () -> Bool)?
  /// Called whenever the last request in flight has been answered and sent.
  public var onIdle: (@LoopActor () -> Void)?
  /// Requests whose head is complete and whose reply is not sent.
  public private(set) var requestsInFlight = 0
  /// While draining: each reply says that its connection is closed. A connection without a request stays for the one that
  /// its client may be sending at this moment; ``closeIdle()`` ends those that sent none.
  public var closeAfterReply = false

  private let limits: Limits
  private var daemon: OpaquePointer?
  private var epollDescriptor: Int32 = -1
  private var doorkeeper: Doorkeeper?
  private var listeners: [Listener] = []
  private var isAccepting = false
  private var connections: [Connection] = []
  private var farewells: [ObjectIdentifier: Farewell] = [:]
  private var openCount = 0
  private var admitted: (client: ClientAddress, head: CheckedHead)?
  private var isInsideDaemon = false
  private var closeIsDue = false
  private var tick: TimerToken?

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
  /// - Throws: ``HTTPServerError`` when libmicrohttpd does not start.
  public func start(listeners descriptors: [Int32]) throws(HTTPServerError) {
    precondition(daemon == nil && !closeIsDue, "a server is started once")
    signal(SIGPIPE, SIG_IGN)
    var start = mhd_start_options()
    start.context = Unmanaged.passUnretained(self).toOpaque()
    // Room for the largest head with the records that libmicrohttpd makes of it (see HeadGuard), and 2 KiB for a reply's
    // head. Not more: all of it is cleared after each request (MHD_pool_reset), which is a third of our own time for one.
    start.connection_memory_bytes = max(options.headerLimitBytes, 16 * 1024) + 8 * 1024
    // Ours is counted before: exceeding theirs can deadlock.
    start.connection_limit = UInt32(clamping: options.connectionLimit + 16)
    DaemonCallbacks.fill(&start)
    guard let daemon = mhd_start(&start) else { throw HTTPServerError(operation: "MHD_start_daemon", code: errno) }
    self.daemon = daemon
    epollDescriptor = mhd_epoll_descriptor(daemon)
    doorkeeper = Doorkeeper(server: self)
    EpollLoop.shared.watch(epollDescriptor, for: .readable) { [weak self] _ in self?.runDaemon() }
    EpollLoop.shared.addBeforeSleep { [weak self] in self?.beforeSleep() }
    listeners = descriptors.map { Listener($0, server: self) }
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
    guard let daemon else { return }
    // Those who are told that their client is gone may close the server once more.
    isInsideDaemon = true
    doorkeeper?.sendAway(all: true)
    // A suspended connection must be resumed before the daemon stops, which would abort the process.
    for connection in connections { connection.endForGood() }
    MHD_run(daemon)
    EpollLoop.shared.unwatch(epollDescriptor)
    MHD_stop_daemon(daemon)
    isInsideDaemon = false
    self.daemon = nil
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

  private func runDaemon() {
    guard let daemon, !isInsideDaemon else { return }
    now = MonotonicClock.now
    needsRun = false
    isInsideDaemon = true
    MHD_run(daemon)
    isInsideDaemon = false
    if closeIsDue { finishClosing() }
  }

  private func beforeSleep() -> Duration? {
    guard let daemon else { return nil }
    if needsRun { runDaemon() }
    var milliseconds: UInt64 = 0
    guard self.daemon != nil, MHD_get_timeout(daemon, &milliseconds) == .YES else { return nil }
    // Due now: it is run in the next round, after the descriptors had their turn.
    if milliseconds == 0 { needsRun = true }
    return .milliseconds(Int64(clamping: milliseconds))
  }

  private func startTicking() {
    guard tick == nil else { return }
    tick = EpollLoop.shared.schedule(after: limits.tick) { [weak self] in self?.checkTime() }
  }

  private func checkTime() {
    tick = nil
    now = MonotonicClock.now
    doorkeeper?.checkTime(limits)
    // Not the array itself: a connection may end while it is looked at.
    for connection in Array(connections) { connection.checkTime(limits) }
    if openCount > 0, daemon != nil { startTicking() }
  }

  // MARK: - Connections

  func reopenListeners() {
    guard isAccepting, openCount < options.connectionLimit else { return }
    for listener in listeners { listener.open() }
  }

  func accepted(_ descriptor: Int32, from client: ClientAddress) {
    now = MonotonicClock.now
    openCount += 1
    if openCount == options.connectionLimit {
      for listener in listeners { listener.pause() }
    }
    startTicking()
    guard let doorkeeper else { preconditionFailure("connections are accepted while the server runs") }
    doorkeeper.receive(descriptor, from: client)
  }

  /// Hands a connection over to libmicrohttpd, which owns the descriptor from then on.
  func serve(_ descriptor: Int32, _ client: ClientAddress, _ head: CheckedHead) {
    guard let daemon else {
      Glibc.close(descriptor)
      return connectionEnded()
    }
    admitted = (client, head)
    var address = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    // It keeps a copy of the address and does nothing with it; ours is in the connection's object.
    if MHD_add_connection(daemon, descriptor, &address, 2) != .YES { connectionEnded() }
    admitted = nil
    needsRun = true
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
    let connection = Connection(server: self, mhd: handle, client: admitted.client, checked: admitted.head)
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
