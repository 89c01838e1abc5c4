import CMicrohttpd
import EventLoop
import Glibc

/// One libmicrohttpd daemon in external mode. A server has one for connections as they are and one for those that speak
/// TLS, because a daemon serves one kind only.
@LoopActor
final class Daemon {
  let isEncrypted: Bool
  let epollDescriptor: Int32
  /// What libmicrohttpd has for each connection.
  let memoryBytes: Int
  /// It has something to do that no descriptor tells.
  var needsRun = false
  /// `nil` once stopped.
  private var handle: OpaquePointer?

  /// - Throws: ``HTTPServerError`` when libmicrohttpd does not start.
  init(for server: HTTPServer, identity: TLSIdentity?) throws(HTTPServerError) {
    isEncrypted = identity != nil
    let options = server.options
    var start = mhd_start_options()
    start.context = Unmanaged.passUnretained(server).toOpaque()
    // Room for the largest head with the records that libmicrohttpd makes of it (see HeadGuard), and 2 KiB for a reply's
    // head. Not more: all of it is cleared after each request (MHD_pool_reset), which is a third of our own time for one.
    memoryBytes = max(options.headerLimitBytes, 16 * 1024) + 8 * 1024
    start.connection_memory_bytes = memoryBytes
    // Ours is counted before: exceeding theirs can deadlock.
    start.connection_limit = UInt32(clamping: options.connectionLimit + 16)
    DaemonCallbacks.fill(&start)
    // It reads the texts while it starts, and not later (MHD_init_daemon_certificate).
    let started =
      if let identity {
        identity.withTexts { certificate, key in
          start.tls_certificate = certificate
          start.tls_key = key
          return mhd_start(&start)
        }
      } else {
        mhd_start(&start)
      }
    guard let started else { throw HTTPServerError(operation: "MHD_start_daemon", code: errno) }
    handle = started
    epollDescriptor = mhd_epoll_descriptor(started)
  }

  func run() {
    needsRun = false
    if let handle { MHD_run(handle) }
  }

  /// When it wants to be run at the latest, although nothing happens. Zero is left to the next round, when the
  /// descriptors had their turn.
  func timeout() -> Duration? {
    var milliseconds: UInt64 = 0
    guard let handle, MHD_get_timeout(handle, &milliseconds) == .YES else { return nil }
    if milliseconds == 0 { needsRun = true }
    return .milliseconds(Int64(clamping: milliseconds))
  }

  /// Hands a connection over; the daemon owns the descriptor from then on, and has closed it where it refuses.
  func add(_ descriptor: Int32) -> Bool {
    guard let handle else { preconditionFailure("a daemon takes connections while it runs") }
    needsRun = true
    // It keeps a copy of the address and does nothing with it; ours is in the connection's object.
    var address = sockaddr(sa_family: sa_family_t(AF_UNSPEC), sa_data: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    return MHD_add_connection(handle, descriptor, &address, 2) == .YES
  }

  func stop() {
    if let handle { MHD_stop_daemon(handle) }
    handle = nil
  }
}
