import CLinux
import EventLoop
import Glibc

/// Holds new connections until their first request's head is complete and good, by looking at it where it lies in the
/// socket (recv(2), MSG_PEEK). So a connection that sends nothing costs no libmicrohttpd memory, and one that sends rubbish
/// gets our answer, not libmicrohttpd's. Of an encrypted connection only the first byte tells something here: whether the
/// client speaks TLS at all.
@LoopActor
final class Doorkeeper {
  private final class Visitor {
    let descriptor: Int32
    let client: ClientAddress
    let isEncrypted: Bool
    let arrived: UInt64
    var firstByte: UInt64?
    var seenBytes = 0
    var index = 0

    init(_ descriptor: Int32, _ client: ClientAddress, isEncrypted: Bool, arrived: UInt64) {
      self.descriptor = descriptor
      self.client = client
      self.isEncrypted = isEncrypted
      self.arrived = arrived
    }
  }

  private enum Look {
    case waiting
    /// Without a head where it is encrypted.
    case good(CheckedHead?)
    case bad(Problem)
    case gone
  }

  private unowned let server: HTTPServer
  private var visitors: [Visitor] = []
  private let buffer: UnsafeMutableRawBufferPointer

  init(server: HTTPServer) {
    self.server = server
    // The head, an empty line before it, and one byte that shows that there is more.
    buffer = .allocate(byteCount: server.options.headerLimitBytes + 3, alignment: 16)
  }

  isolated deinit { buffer.deallocate() }

  var count: Int { visitors.count }

  /// Takes over a connection.
  func receive(_ descriptor: Int32, from client: ClientAddress, isEncrypted: Bool) {
    let visitor = Visitor(descriptor, client, isEncrypted: isEncrypted, arrived: server.now)
    // Usually the request is there already.
    let look = look(visitor)
    guard case .waiting = look else { return dismiss(visitor, look) }
    visitor.index = visitors.count
    visitors.append(visitor)
    // Edge-triggered, because what was seen stays in the socket.
    EpollLoop.shared.watch(descriptor, for: [.readable, .peerClosed, .edgeTriggered]) { [weak self] readiness in
      self?.somethingCame(visitor, readiness)
    }
  }

  private func somethingCame(_ visitor: Visitor, _ readiness: Readiness) {
    var look = look(visitor)
    // The head cannot become complete any more.
    if case .waiting = look, !readiness.isDisjoint(with: [.peerClosed, .hangup, .error]) { look = .gone }
    if case .waiting = look { return }
    leave(visitor)
    dismiss(visitor, look)
  }

  private func look(_ visitor: Visitor) -> Look {
    let flags = Int32(MSG_PEEK | MSG_DONTWAIT)
    let count = recv(visitor.descriptor, buffer.baseAddress, buffer.count, flags)
    if count < 0 { return errno == EAGAIN || errno == EINTR ? .waiting : .gone }
    if count == 0 { return .gone }
    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
    if visitor.isEncrypted { return bytes[0] == Self.handshakeRecord ? .good(nil) : .bad(Self.notTLS) }
    let news = bytes[min(visitor.seenBytes, count)...]
    // Only the end of a line can change the verdict; so a head that comes byte by byte is not read again each time.
    let isWorthReading =
      visitor.seenBytes == 0 || count >= server.options.targetLimitBytes || news.contains(0x0A)
    if visitor.firstByte == nil { visitor.firstByte = server.now }
    visitor.seenBytes = count
    guard isWorthReading else { return .waiting }
    return switch server.headGuard.check(bytes) {
    case .incomplete: .waiting
    case .accepted(let head): .good(head)
    case .refused(let problem): .bad(problem)
    }
  }

  /// What a TLS client's first record begins with (RFC 8446, section 5.1: `handshake(22)`).
  private static let handshakeRecord: UInt8 = 22
  private static let notTLS = Problem(400, "this port speaks HTTPS only")

  private func dismiss(_ visitor: Visitor, _ look: Look) {
    switch look {
    case .waiting: preconditionFailure("a visitor who waits is not dismissed")
    case .good(let head): server.serve(visitor.descriptor, visitor.client, head, isEncrypted: visitor.isEncrypted)
    case .bad(let problem):
      server.onRefusal?(problem.status)
      RawReply.send(problem, to: visitor.descriptor)
      server.sayFarewell(visitor.descriptor)
    case .gone:
      close(visitor.descriptor)
      server.connectionEnded()
    }
  }

  private func leave(_ visitor: Visitor) {
    EpollLoop.shared.unwatch(visitor.descriptor)
    let last = visitors.removeLast()
    if last !== visitor {
      visitors[visitor.index] = last
      last.index = visitor.index
    }
  }

  /// Ends the visits that have taken too long: silently where nothing was sent, with 408 where a head was begun.
  func checkTime(_ limits: HTTPServer.Limits) {
    for visitor in visitors {
      if let firstByte = visitor.firstByte {
        guard server.now &- firstByte > limits.header else { continue }
        leave(visitor)
        dismiss(visitor, .bad(Problem(408, "the request's head took too long")))
      } else if server.now &- visitor.arrived > limits.keepAlive {
        leave(visitor)
        dismiss(visitor, .gone)
      }
    }
  }

  /// Closes the connections that have not begun a request; with `all`, the others too.
  func sendAway(all: Bool) {
    for visitor in visitors where all || visitor.firstByte == nil {
      leave(visitor)
      dismiss(visitor, .gone)
    }
  }
}
