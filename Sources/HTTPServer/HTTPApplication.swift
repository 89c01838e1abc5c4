import EventLoop

/// What answers requests.
@LoopActor
public protocol HTTPApplication: AnyObject {
  /// Says what becomes of a request's body. Asked once for each request that has one, when its head is complete and
  /// before anything of the body is accepted.
  func bodyPolicy(_ head: HTTPRequestHead) -> BodyPolicy

  /// Answers a complete request: calls ``HTTPExchange/respond(_:)`` once, now or later.
  func handle(_ exchange: HTTPExchange)
}

public enum BodyPolicy: Sendable {
  /// The request may not have a body: 413.
  case none
  /// In memory, up to the limit; more is answered 413.
  case buffer(limitBytes: Int)
  /// In memory up to `memoryLimitBytes`, beyond that in a new file of the folder; more than `limitBytes` is answered 413.
  case spool(limitBytes: Int, memoryLimitBytes: Int, folder: String)
  /// Not read at all. The connection ends with this response.
  case refuse(HTTPResponse)
}

/// A request's body, complete.
public enum RequestBody: Sendable {
  case empty
  case bytes([UInt8])
  case file(SpooledBody)
}
