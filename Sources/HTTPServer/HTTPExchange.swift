import EventLoop

/// One request and its one response.
@LoopActor
public final class HTTPExchange {
  /// Empty until the body is complete, that is while ``HTTPApplication/bodyPolicy(_:)`` is asked.
  public internal(set) var body = RequestBody.empty
  /// When its head was complete, on the monotonic clock, in nanoseconds.
  var began: UInt64 = 0
  /// Called once when the client left before it was answered. A response is then dropped. Set it before ``respond(_:)``.
  public var onClientGone: (@LoopActor () -> Void)?

  /// `nil` once the exchange is over; what the head reads then is gone with it.
  var connection: Connection?
  var method = HTTPMethod.get
  var checked = CheckedHead()

  enum Reply { case awaited, given, takenOver }
  var reply = Reply.awaited

  init() {}

  public var head: HTTPRequestHead { HTTPRequestHead(exchange: self) }

  /// Sends the response. Called exactly once, on the loop; afterwards the head and the body are no longer there to read.
  /// Dropped without complaint where the client has left, or the server answered 503 because it took too long.
  public func respond(_ response: HTTPResponse) {
    switch reply {
    case .awaited:
      reply = .given
      connection?.send(response)
    case .given: preconditionFailure("an exchange is answered once")
    case .takenOver: break
    }
  }

  public func respond(_ prepared: PreparedResponse) { respond(HTTPResponse(prepared)) }

  public func respond(_ problem: Problem) { respond(problem.response) }

  func begin(_ connection: Connection, method: HTTPMethod, checked: CheckedHead) {
    self.connection = connection
    self.method = method
    self.checked = checked
    body = .empty
    onClientGone = nil
    reply = .awaited
  }

  /// The request is over, answered or not.
  func end() {
    connection = nil
    if case .file(let file) = body { file.exchangeEnded() }
    body = .empty
    let tell = reply == .awaited ? onClientGone : nil
    onClientGone = nil
    if reply == .awaited { reply = .takenOver }
    tell?()
  }
}
