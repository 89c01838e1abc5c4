import CLinux
import CMicrohttpd
import EventLoop
import Glibc

/// What has taken too long, and how a connection is ended from outside of a request.
extension Connection {
  /// Looks whether something has taken too long. Called a few times a second at most.
  func checkTime(_ limits: HTTPServer.Limits) {
    // A suspended connection does not notice by itself that its client has left. Most are suspended for less than the
    // time between two looks, and never cost an epoll_ctl.
    if isSuspended, !watchesDeparture, phase == .answering || phase == .replying {
      watchesDeparture = true
      EpollLoop.shared.watch(descriptor, for: .peerClosed) { [weak self] _ in self?.clientLeft() }
    }
    let elapsed = server.now &- since
    if hasEndedUnnoticed() { return endQuietly() }
    if phase == .idle, !isTrimmed, elapsed > Self.trimAfter, server.mayTrim() { trim() }
    switch phase {
    case .idle where elapsed > limits.keepAlive: endQuietly()
    case .head where elapsed > limits.header: giveUp(Problem(408, "the request's head took too long"))
    case .body where !isSuspended:
      let rate = UInt64(max(server.options.bodyMinimumBytesPerSecond, 1))
      let earned = UInt64(intake?.byteCount ?? 0) / rate * 1_000_000_000
      if elapsed > limits.bodyGrace &+ earned { giveUp(Problem(408, "the request's body took too long")) }
    case .answering where elapsed > limits.answer:
      exchange?.reply = .takenOver
      send(Problem(503, "the request was not answered in time", headers: [HTTPField("Retry-After", "5")]).response)
    case .replying where stall.lasts(descriptor, now: server.now) > limits.sendStall: endQuietly()
    default: break
    }
  }

  /// Nanoseconds. A client that asks more often would pay for its memory again each time.
  private static let trimAfter: UInt64 = 2_000_000_000

  /// Whether the client has closed and libmicrohttpd 0.9.75 has missed it: after a read that filled less than its buffer it
  /// waits for the next edge of epoll, and there is none where the end came together with the last bytes
  /// (recv_param_adapter). Asked of a connection that waits for the client, once in two seconds.
  private func hasEndedUnnoticed() -> Bool {
    guard !isSuspended, phase == .idle || phase == .head || phase == .body,
      server.now &- max(since, lookedAt) > 2_000_000_000
    else { return false }
    lookedAt = server.now
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 0
  }

  /// Answers past libmicrohttpd, which queues a response only before or after a body, and ends the connection.
  func giveUp(_ problem: Problem) {
    server.onRefusal?(problem.status)
    if isEncrypted { RawReply.send(problem, encryptedBy: mhd) } else { RawReply.send(problem, to: descriptor) }
    lingers = true
    enter(.ending)
    // It notices by itself when more of the request comes, and else after this.
    mhd_end_after(mhd, 1)
  }

  /// Ends the connection without a word: libmicrohttpd sees its socket closed.
  func endQuietly() {
    enter(.ending)
    shutdown(descriptor, Int32(SHUT_RDWR))
    resume()
  }

  /// The server is closing: whatever the connection is doing ends.
  func endForGood() {
    stream?.detach()
    endQuietly()
  }
}
