// The same in asynchronous code: the task is suspended while the owner answers. Cancelled, it throws `CancellationError`, and
// what it asked for is done or is not.

extension SharedDictionary {
  /// The value of a key; `nil`: there is none.
  public func get(_ key: Key) async throws -> Value? {
    try value(in: await open().request(.get(key: bytes(key))))
  }

  /// Sets the value of a key.
  public func set(_ key: Key, to value: Value) async throws {
    try confirm(await open().request(.set(key: bytes(key), stored(value))))
  }

  /// Removes a key; its value, if it was there.
  @discardableResult
  public func remove(_ key: Key) async throws -> Value? {
    try value(in: await open().request(.remove(key: bytes(key))))
  }

  /// Changes the value of a key so that nobody changes it in between. `body` may run several times.
  @discardableResult
  public func update<Result>(_ key: Key, _ body: (inout Value?) throws -> Result) async throws -> Result {
    let key = try bytes(key)
    while true {
      var (value, version) = try versioned(await open().request(.get(key: key)))
      let result = try body(&value)
      let replacement = try value.map { try stored($0) }
      let reply = try await open().request(.replace(key: key, ifVersion: version, replacement))
      if case .conflict = reply { continue }
      try confirm(reply)
      return result
    }
  }

  /// All keys at one moment, in no order.
  public func keys() async throws -> [Key] { try keys(in: await open().request(.keys)) }

  public func count() async throws -> Int { try confirm(await open().request(.count)) }

  public func removeAll() async throws { try confirm(await open().request(.removeAll)) }
}
