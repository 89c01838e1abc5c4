// The handlers that a server offers, with what the configuration says of each.

import JobModel

/// A handler as this server runs it.
public struct RegisteredHandler: Sendable {
  public let handler: AnyHandler
  public let executor: Executor
  /// `nil`: the server's default.
  public let timeout: Duration?
  public let maxAttempts: Int
  /// `nil`: the server's default.
  public let memoryLimitBytes: Int?
  /// How many of its jobs with the same key may run at once; `nil`: any number.
  public let keyLimit: Int?

  public var name: String { handler.name }
}

public struct HandlerRegistry: Sendable {
  /// By name.
  private let handlers: [RegisteredHandler]
  private let indexByName: [String: Int]

  /// - Throws: ``HandlerRegistrationError`` for a handler that is not as it must be, two of one name, and settings for one
  ///   that is not there, or that it cannot have.
  public init(
    _ types: [any Handler.Type], settings: [String: HandlerSettings] = [:]
  ) throws(HandlerRegistrationError) {
    var handlers: [AnyHandler] = []
    for type in types { handlers.append(try AnyHandler(type)) }
    try self.init(handlers: handlers, settings: settings)
  }

  public init(
    handlers: [AnyHandler], settings: [String: HandlerSettings] = [:]
  ) throws(HandlerRegistrationError) {
    let sorted = handlers.sorted { $0.name < $1.name }
    for (one, next) in zip(sorted, sorted.dropFirst()) where one.name == next.name {
      throw HandlerRegistrationError("two handlers have the name \"\(one.name)\"")
    }
    var registered: [RegisteredHandler] = []
    for handler in sorted { registered.append(try Self.register(handler, settings[handler.name] ?? HandlerSettings())) }
    self.handlers = registered
    indexByName = Dictionary(uniqueKeysWithValues: registered.indices.map { (registered[$0].name, $0) })
    for name in settings.keys.sorted() where indexByName[name] == nil {
      throw HandlerRegistrationError("there are settings for the handler \"\(name)\", which does not exist")
    }
  }

  private static func register(
    _ handler: AnyHandler, _ settings: HandlerSettings
  ) throws(HandlerRegistrationError) -> RegisteredHandler {
    if let maxAttempts = settings.maxAttempts, maxAttempts < 1 {
      throw HandlerRegistrationError("max_attempts must be at least 1").naming(handler.name)
    }
    if let timeout = settings.timeout, timeout <= .zero {
      throw HandlerRegistrationError("timeout must be longer than nothing").naming(handler.name)
    }
    if let limit = settings.memoryLimitBytes, limit <= 0 {
      throw HandlerRegistrationError("memory_limit must be more than nothing").naming(handler.name)
    }
    let keyLimit = settings.keyLimit ?? handler.properties.keyLimit ?? 0
    if keyLimit < 0 { throw HandlerRegistrationError("key_limit must be at least 0").naming(handler.name) }
    return RegisteredHandler(
      handler: handler, executor: settings.executor ?? handler.properties.executor,
      timeout: settings.timeout ?? handler.properties.timeout,
      maxAttempts: settings.maxAttempts ?? handler.properties.maxAttempts, memoryLimitBytes: settings.memoryLimitBytes,
      keyLimit: keyLimit > 0 ? keyLimit : nil)
  }

  public subscript(name: String) -> RegisteredHandler? { indexByName[name].map { handlers[$0] } }

  /// In order.
  public var names: [String] { handlers.map(\.name) }
}

/// In the order of the names.
extension HandlerRegistry: RandomAccessCollection {
  public var startIndex: Int { handlers.startIndex }
  public var endIndex: Int { handlers.endIndex }
  public subscript(position: Int) -> RegisteredHandler { handlers[position] }
}
