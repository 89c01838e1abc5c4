/// What the configuration says of one handler; `nil` leaves it to the handler's registration, or to the server's default.
public struct HandlerSettings: Sendable, Equatable {
  public var executor: Executor?
  public var timeout: Duration?
  public var memoryLimitBytes: Int?
  /// 1…100.
  public var maxAttempts: Int?
  /// How many of its jobs with the same key may run at once; 0 is no limit.
  public var keyLimit: Int?

  public init(
    executor: Executor? = nil, timeout: Duration? = nil, memoryLimitBytes: Int? = nil, maxAttempts: Int? = nil,
    keyLimit: Int? = nil
  ) {
    self.executor = executor
    self.timeout = timeout
    self.memoryLimitBytes = memoryLimitBytes
    self.maxAttempts = maxAttempts
    self.keyLimit = keyLimit
  }
}
