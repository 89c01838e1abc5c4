/// What a server allows its clients: sizes, numbers and times.
public struct HTTPServerOptions: Sendable {
  /// The request line and the header fields together; more is answered 431.
  public var headerLimitBytes = 16 * 1024
  /// The target in the request line; more is answered 414.
  public var targetLimitBytes = 8 * 1024
  /// Connections at once, those that have not sent a request yet included. At the limit the listeners are not asked for
  /// more: further clients wait in the kernel's queue, or are taken by a sibling process.
  public var connectionLimit = 10_000
  /// How long a connection may stay without a request.
  public var keepAliveTimeout = Duration.seconds(30)
  /// How long a request's head may take from its first byte; 408.
  public var headerDeadline = Duration.seconds(10)
  /// How long a body may take however small it is; 408.
  public var bodyGrace = Duration.seconds(60)
  /// What a body must bring on average once the grace is over; 408.
  public var bodyMinimumBytesPerSecond = 64 * 1024
  /// How long a client may take nothing of a reply that waits to be sent.
  public var sendStallTimeout = Duration.seconds(30)
  /// How long the application may take to answer; 503.
  public var answerDeadline = Duration.seconds(600)
  /// Of a client that was refused: how long, and for how many bytes, what it still sends is read and dropped, so that it
  /// sees the reply and not a connection reset (RFC 9112, section 9.6).
  public var lingerTimeout = Duration.seconds(2)
  public var lingerLimitBytes = 4 * 1024 * 1024
  /// The `Server` field of every reply but prepared ones, which carry what they were made with; `nil`: none.
  public var serverName: String?

  public init() {}
}
