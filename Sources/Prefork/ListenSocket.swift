// Sockets that listen. Made once by the master before the first fork, and shared by every acceptor of every generation:
// one socket and one queue, so that nothing queued is lost when an acceptor ends (SO_REUSEPORT would lose it).

import CLinux
import Glibc

/// A bound, listening, non-blocking, close-on-exec stream socket.
public final class ListenSocket: Sendable {
  /// Owned by this object; closed with it.
  public let fileDescriptor: Int32
  /// As it is really bound: a numeric host, and the port that the kernel chose for port 0.
  public let address: ListenAddress
  /// Of a Unix socket only: how to know the file again.
  let file: SocketFile?

  /// The kernel lowers it to net.core.somaxconn (listen(2)), which is 4096 by default since Linux 5.4.
  static let backlog: Int32 = 4096

  init(owning fileDescriptor: Int32, address: ListenAddress, file: SocketFile? = nil) {
    self.fileDescriptor = fileDescriptor
    self.address = address
    self.file = file
  }

  deinit { close(fileDescriptor) }

  /// Binds and listens. A name is bound at each of its addresses that this machine has (`localhost`: IPv4 and IPv6),
  /// all with one port; every other address gives one socket.
  ///
  /// - Parameter unixMode: the permissions of a Unix socket's file.
  public static func listen(
    on address: ListenAddress, unixMode: mode_t = 0o660
  ) throws(ListenError) -> [ListenSocket] {
    switch address {
    case .tcp(let host, let port): try listenTCP(address, host, port)
    case .unix(let path): [try SocketFile.listen(at: path, mode: unixMode)]
    }
  }

  /// Removes a Unix socket's file, if it is still the one that this process made. For the master only, at its end; does
  /// nothing in a child.
  public func removeFile() { file?.remove() }

  // MARK: - TCP

  /// With port 0 the first address gets a free port, and the others must get the same: if that one happens to be taken
  /// there, another is tried.
  private static let freePortTries = 8

  private static func listenTCP(
    _ address: ListenAddress, _ host: String, _ port: UInt16
  ) throws(ListenError) -> [ListenSocket] {
    let candidates = try resolve(address, host, port)
    for attempt in 1...freePortTries {
      do throws(ListenError) {
        return try listenOnAll(candidates, address, port)
      } catch {
        if port != 0 || error.reason != .inUse || attempt == freePortTries { throw error }
      }
    }
    throw ListenError(address: address, reason: .inUse)
  }

  private static func listenOnAll(
    _ candidates: [SocketAddress], _ address: ListenAddress, _ port: UInt16
  ) throws(ListenError) -> [ListenSocket] {
    var sockets: [ListenSocket] = []
    var port = port
    var missing: ListenError?
    for var candidate in candidates {
      candidate.port = port
      do throws(ListenError) {
        let socket = try listenOnOne(candidate, address)
        if case .tcp(_, let actual) = socket.address { port = actual }
        sockets.append(socket)
      } catch {
        // A name may stand for addresses of a family that this machine does not have (IPv6 switched off).
        guard case .system(_, let code) = error.reason, code == EADDRNOTAVAIL || code == EAFNOSUPPORT else {
          throw error
        }
        missing = error
      }
    }
    if sockets.isEmpty, let missing { throw missing }
    return sockets
  }

  private static func listenOnOne(
    _ candidate: SocketAddress, _ asked: ListenAddress
  ) throws(ListenError) -> ListenSocket {
    let fileDescriptor = try open(candidate.family, asked)
    do throws(ListenError) {
      // A listener that was just closed leaves connections behind that would keep the port for a minute (socket(7)).
      try set(fileDescriptor, SOL_SOCKET, SO_REUSEADDR, asked)
      // Else [::] would take 0.0.0.0's port as well, depending on the machine's settings (ipv6(7)).
      if candidate.family == AF_INET6 { try set(fileDescriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, asked) }
      try candidate.withPointer { pointer, length throws(ListenError) in
        try check(bind(fileDescriptor, pointer, length), "bind", asked)
      }
      try check(Glibc.listen(fileDescriptor, backlog), "listen", asked)
      return ListenSocket(owning: fileDescriptor, address: try boundAddress(fileDescriptor, asked))
    } catch {
      close(fileDescriptor)
      throw error
    }
  }

  private static func boundAddress(_ fileDescriptor: Int32, _ asked: ListenAddress) throws(ListenError) -> ListenAddress
  {
    var bound = SocketAddress()
    try check(bound.fill { getsockname(fileDescriptor, $0, $1) }, "getsockname", asked)
    return .tcp(host: bound.numericHost, port: bound.port)
  }

  private static func resolve(
    _ address: ListenAddress, _ host: String, _ port: UInt16
  ) throws(ListenError) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV
    var first: UnsafeMutablePointer<addrinfo>?
    let result = getaddrinfo(host, "\(port)", &hints, &first)
    guard result == 0 else {
      throw ListenError(address: address, reason: .unknownHost(String(cString: gai_strerror(result))))
    }
    defer { freeaddrinfo(first) }
    var found: [SocketAddress] = []
    var next = first
    while let entry = next {
      let candidate = SocketAddress(copying: entry.pointee.ai_addr, length: entry.pointee.ai_addrlen)
      // A name may be listed twice in /etc/hosts.
      if !found.contains(candidate) { found.append(candidate) }
      next = entry.pointee.ai_next
    }
    return found
  }

  // MARK: - System calls

  static func open(_ family: Int32, _ address: ListenAddress) throws(ListenError) -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let fileDescriptor = socket(family, type, 0)
    try check(fileDescriptor, "socket", address)
    return fileDescriptor
  }

  private static func set(
    _ fileDescriptor: Int32, _ level: Int32, _ option: Int32, _ address: ListenAddress
  ) throws(ListenError) {
    var on: Int32 = 1
    try check(
      setsockopt(fileDescriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size)), "setsockopt", address)
  }

  static func check(_ result: Int32, _ operation: String, _ address: ListenAddress) throws(ListenError) {
    guard result < 0 else { return }
    let code = errno
    throw ListenError(
      address: address, reason: code == EADDRINUSE ? .inUse : .system(operation: operation, code: code))
  }
}
