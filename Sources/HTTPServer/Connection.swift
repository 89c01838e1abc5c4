import CLinux
import CMicrohttpd
import EventLoop
import Glibc

/// One connection that libmicrohttpd serves, from its first request on: what it is doing, since when, and its present
/// exchange.
@LoopActor
final class Connection {
  enum Phase {
    /// Between requests (or in a request line that has not ended).
    case idle
    /// After the request line.
    case head
    /// After the head: the body, or the call without one.
    case body
    /// The application has the request.
    case answering
    /// A response is queued.
    case replying
    /// Given up: whatever libmicrohttpd asks for next is refused, which ends the connection.
    case ending
  }

  let server: HTTPServer
  private let daemon: Daemon
  let mhd: OpaquePointer
  let descriptor: Int32
  let client: ClientAddress
  /// Where the server's list has it.
  var index = 0

  private(set) var phase = Phase.idle
  /// When the phase began.
  private(set) var since: UInt64
  /// Where libmicrohttpd's memory of this connection begins, but for a few bytes; `nil` where that is not certain.
  private var memory: UnsafeRawPointer?
  /// That memory was given back since the last request.
  var isTrimmed = false
  /// The raw target of the present request.
  private var target = ByteBuffer()
  /// Its decoded path.
  private(set) var path: [UInt8] = []
  private(set) var queryRange: Range<Int>?

  /// The present exchange, or the last one to be used again.
  private(set) var exchange: HTTPExchange?
  private var isCounted = false
  private var endsAfterReply = false
  var isEncrypted: Bool { daemon.isEncrypted }
  /// The first request's head, which the doorkeeper has checked.
  private var checkedAtTheDoor: CheckedHead?
  private(set) var intake: BodyIntake?
  private var refusal: HTTPResponse?
  private(set) var stream: ResponseStream?
  private(set) var isSuspended = false
  var watchesDeparture = false
  /// What the client still sends is read for a while after the connection ended, so that it sees the reply.
  var lingers = false
  var stall = SendStall()
  /// When it was last asked whether the client is still there.
  var lookedAt: UInt64 = 0

  /// - Parameter checked: the first request's head; `nil` where it came encrypted.
  init(server: HTTPServer, daemon: Daemon, mhd: OpaquePointer, client: ClientAddress, checked: CheckedHead?) {
    self.server = server
    self.daemon = daemon
    self.mhd = mhd
    self.client = client
    descriptor = mhd_connection_descriptor(mhd)
    checkedAtTheDoor = checked
    since = server.now
  }

  /// Valid until the next request.
  var targetBytes: UnsafeRawBufferPointer { target.bytes }

  // MARK: - What libmicrohttpd tells

  /// The request line is there.
  func begin(_ uri: UnsafePointer<CChar>) {
    let bytes = UnsafeRawBufferPointer(start: uri, count: strlen(uri))
    target.replace(with: bytes)
    isTrimmed = false
    // The doorkeeper lets at most an empty line and 32 characters of a method stand before the first target, and the first
    // head is read to the beginning of the memory.
    if checkedAtTheDoor != nil { memory = UnsafeRawPointer(uri) }
    if let mark = HeadCharacter.index(of: UInt8(ascii: "?"), in: bytes) { mhd_hide_query(uri, mark) }
    enter(.head)
  }

  /// The head is there, or bytes of the body, or the request is complete.
  func handle(_ method: UnsafePointer<CChar>, _ bytes: UnsafePointer<CChar>?, _ count: inout Int) -> MHD_Result {
    switch phase {
    case .head: return headIsComplete(method)
    case .body where count > 0: return take(UnsafeRawBufferPointer(start: bytes, count: count), &count)
    case .body: return requestIsComplete()
    case .answering, .replying: return .YES
    case .idle, .ending: return .NO
    }
  }

  /// libmicrohttpd found an error in the request by itself, and closes the connection after this answer to it.
  ///
  /// - Returns: the response; the caller destroys it.
  func refusedByDaemon(status: Int) -> OpaquePointer {
    let part =
      switch phase {
      case .idle: "the request line"
      case .head: "the request's head"
      case .body, .answering, .replying, .ending: "the request's body"
      }
    let detail =
      switch status {
      case 400: "\(part) is not well-formed"
      case 413, 414, 431: "\(part) is too large"
      case 505: "this server speaks HTTP/1.1 and HTTP/1.0"
      default: "\(part) cannot be taken"
      }
    lingers = true
    enter(.replying)
    stall = SendStall()
    server.onRefusal?(status)
    let response = Problem(status, detail).response
    let serverName = server.options.serverName
    return MessageBuilder.make(response, bodiless: false, minorVersion: 1, serverName: serverName).response
  }

  /// The reply is sent, or the request was given up.
  func requestEnded() {
    forgetDeparture()
    intake?.abandon()
    intake = nil
    refusal = nil
    stream?.detach()
    stream = nil
    if isCounted {
      isCounted = false
      exchange?.end()
      // Used again for the next request, unless the application keeps it.
      if !isKnownUniquelyReferenced(&exchange) { exchange = nil }
      enter(.idle)
      if endsAfterReply { endQuietly() }
      server.requestEnded()
    } else {
      enter(.idle)
    }
  }

  // MARK: - Request

  private func headIsComplete(_ method: UnsafePointer<CChar>) -> MHD_Result {
    let bytes = UnsafeRawBufferPointer(start: method, count: mhd_request_head_bytes(mhd))
    let exchange = self.exchange ?? HTTPExchange()
    self.exchange = exchange
    isCounted = true
    exchange.began = server.now
    server.requestBegan()
    enter(.body)
    switch check(bytes) {
    case .accepted(let checked):
      let token = UnsafeRawBufferPointer(start: method, count: strlen(method))
      exchange.begin(self, method: HTTPMethod(token: token), checked: checked)
    case .refused(let problem):
      server.onRefusal?(problem.status)
      exchange.begin(self, method: .get, checked: CheckedHead())
      // The next request's beginning is in doubt: libmicrohttpd closes after a response to the first call.
      return sendEarly(problem.response)
    case .incomplete: preconditionFailure("a head is handed over when it is complete")
    }
    let parts = RequestTarget.parts(target.bytes)
    queryRange = parts.query
    if !RequestTarget.decodePath(UnsafeRawBufferPointer(rebasing: target.bytes[parts.path]), into: &path) {
      server.onRefusal?(400)
      refusal = Problem(400, "the path has a bad escape, or is not UTF-8").response
      return exchange.head.hasBody ? sendEarly(refusal) : .YES
    }
    return exchange.head.hasBody ? admitBody(of: exchange) : .YES
  }

  private func check(_ bytes: UnsafeRawBufferPointer) -> HeadVerdict {
    if let checked = checkedAtTheDoor {
      checkedAtTheDoor = nil
      return .accepted(checked)
    }
    let verdict = server.headGuard.checkParsed(bytes, target: target.bytes)
    // A NUL sent in a value could look like the end of a line here, and is the end of the value to libmicrohttpd.
    if case .accepted(let checked) = verdict,
      checked.fieldCount != Int(MHD_get_connection_values(mhd, .HEADER_KIND, nil, nil))
    {
      return .refused(HeadScan.malformed("a header field has a NUL"))
    }
    return verdict
  }

  private func admitBody(of exchange: HTTPExchange) -> MHD_Result {
    switch BodyIntake.admit(server.application.bodyPolicy(exchange.head), exchange.checked.framing, for: self) {
    case .success(let intake):
      self.intake = intake
      return .YES
    case .failure(let refusal): return sendEarly(refusal.response)
    }
  }

  private func take(_ bytes: UnsafeRawBufferPointer, _ count: inout Int) -> MHD_Result {
    guard let intake else { return .NO }
    switch intake.take(bytes) {
    case .more: break
    case .full: suspend()
    case .refused(let problem):
      giveUp(problem)
      return .NO
    }
    count = 0
    return .YES
  }

  private func requestIsComplete() -> MHD_Result {
    guard let exchange else { return .NO }
    if let refusal {
      enter(.answering)
      exchange.reply = .takenOver
      send(refusal)
      return .YES
    }
    if let intake {
      switch intake.conclude() {
      case .body(let body): exchange.body = body
      case .notYet:
        suspend()
        return .YES
      case .failed(let problem):
        enter(.answering)
        exchange.reply = .takenOver
        send(problem.response)
        return .YES
      }
    }
    enter(.answering)
    server.application.handle(exchange)
    if phase == .answering { suspend() }
    return phase == .ending ? .NO : .YES
  }

  // MARK: - Response

  /// Queues the response, and wakes the connection where it sleeps.
  func send(_ response: HTTPResponse) {
    guard let exchange, phase == .answering else { return }
    queue(response, exchange)
    if isSuspended { resume() }
  }

  /// Answers in place of reading a body. libmicrohttpd closes the connection after it.
  private func sendEarly(_ response: HTTPResponse?) -> MHD_Result {
    guard let exchange, let response else { return .NO }
    exchange.reply = .takenOver
    lingers = true
    queue(response, exchange)
    return phase == .ending ? .NO : .YES
  }

  private func queue(_ response: HTTPResponse, _ exchange: HTTPExchange) {
    if case .stream(let stream) = response.body {
      stream.attach(to: self)
      self.stream = stream
    }
    let bodiless = exchange.method == .head || response.status == 304
    let made = MessageBuilder.make(
      response, bodiless: bodiless, minorVersion: exchange.checked.minorVersion,
      serverName: server.options.serverName)
    // Refused where the request has used up the connection's memory; then it is ended when the reply is sent.
    endsAfterReply = server.closeAfterReply && mhd_close_after_reply(mhd) != .YES
    enter(.replying)
    stall = SendStall()
    // Refused only for a status that is none, or when the daemon is stopping.
    if mhd_queue(mhd, UInt32(response.status), made.response) != .YES { enter(.ending) }
    if made.isOwned { MHD_destroy_response(made.response) }
  }

  /// The stream has bytes, or has ended.
  func streamHasMore() {
    if isSuspended, phase == .replying { resume() }
  }

  /// While nothing is asked for, the connection costs little.
  func trim() {
    isTrimmed = true
    guard let memory else { return }
    IdleMemory.giveBack(UnsafeRawBufferPointer(start: memory, count: daemon.memoryBytes - 64))
  }

  // MARK: - Sleeping

  func suspend() {
    guard !isSuspended else { return }
    isSuspended = true
    MHD_suspend_connection(mhd)
  }

  func resume() {
    guard isSuspended else { return }
    isSuspended = false
    forgetDeparture()
    MHD_resume_connection(mhd)
    daemon.needsRun = true
  }

  /// The body's writer has caught up, or is done, or has failed.
  func intakeAdvanced() {
    if phase == .body { resume() }
  }

  /// The time that a body waited for our own disk is not held against the client.
  func intakePaused(nanoseconds: UInt64) { since += nanoseconds }

  private func forgetDeparture() {
    guard watchesDeparture else { return }
    watchesDeparture = false
    EpollLoop.shared.unwatch(descriptor)
  }

  func clientLeft() {
    // An unfinished stream tells its writer; an unanswered exchange its application, when libmicrohttpd has ended it.
    stream?.detach()
    if phase != .replying { enter(.ending) }
    resume()
  }

  func enter(_ phase: Phase) {
    self.phase = phase
    since = server.now
  }
}
