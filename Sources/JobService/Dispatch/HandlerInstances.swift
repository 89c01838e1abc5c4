import HandlerAPI

/// The ready handlers of one process: each is made and prepared once, when its first job comes.
actor HandlerInstances {
  private var instances: [String: Task<AnyHandlerInstance, any Error>] = [:]

  /// Throws what the handler's `init` or `prepare` throws; the next job tries anew then.
  func instance(of handler: AnyHandler) async throws -> AnyHandlerInstance {
    let name = handler.name
    if let task = instances[name] { return try await task.value }
    let task = Task { try await handler.instantiate() }
    instances[name] = task
    do {
      return try await task.value
    } catch {
      instances[name] = nil
      throw error
    }
  }
}
