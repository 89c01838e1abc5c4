import Synchronization

/// A dictionary that many processes use, kept by a process of its own: the `dict` of Python's `Manager`.
///
/// ```swift
/// let stock = try SharedDictionary<String, Int>()
/// try stock.set("apples", to: 10)
/// let sellers = try (0..<3).map { _ in try ChildProcess(Functions.sell, stock) }
/// for seller in sellers { try seller.join() }
/// print(try stock.get("apples") ?? 0)
///
/// // In the children:
/// try stock.update("apples") { count in count = (count ?? 0) - 1 }
/// ```
///
/// The owner process is a ``ChildProcess`` of the process that made the dictionary. It ends with that program, or when nobody
/// uses the dictionary any more. A user that is killed harms nobody: each change is made by the owner, whole or not at all.
///
/// Keys are the same if they are encoded as the same bytes: numbers, strings and structs of them are, but not sets,
/// dictionaries, or strings that are equal only after normalization. A value of more than 32 KB is handed on in a sealed
/// memory file that is not copied.
///
/// In asynchronous code the same names wait without blocking a thread.
public final class SharedDictionary<Key: Codable & Hashable & Sendable, Value: Codable & Sendable>: Sendable {
  /// The process that keeps the entries.
  public let ownerPID: Int32
  private let link: Mutex<DictionaryLink?>

  /// An empty dictionary, with an owner process of its own.
  public init() throws(ChildProcessError) {
    let ends = try Self.doors()
    let owner = try ChildProcess(DictionaryOwner.function, PassedFile(ends.theirs), name: "mp-dictionary")
    ownerPID = owner.pid
    link = Mutex(DictionaryLink(door: ends.ours))
  }

  private static func doors() throws(ChildProcessError) -> (ours: SharedFile, theirs: SharedFile) {
    do throws(MultiprocessingError) {
      let ends = try DescriptorPair.sockets()
      return (SharedFile(ends.first), SharedFile(ends.second))
    } catch {
      throw .system(error)
    }
  }

  /// Gives this process's use of it up; what is called later throws ``ChannelError/closed``. May be called twice.
  public func close() { link.withLock { $0 = nil } }

  func open() throws(ChannelError) -> DictionaryLink {
    guard let link = link.withLock({ $0 }) else { throw .closed }
    return link
  }

  // MARK: - Blocking

  /// The value of a key; `nil`: there is none.
  ///
  /// - Throws: ``ChannelError``: `noReceiver` if the owner has ended.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func get(_ key: Key) throws(ChannelError) -> Value? {
    try value(in: open().request(.get(key: bytes(key))))
  }

  /// Sets the value of a key.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func set(_ key: Key, to value: Value) throws(ChannelError) {
    try confirm(open().request(.set(key: bytes(key), stored(value))))
  }

  /// Removes a key; its value, if it was there. Python's `pop`.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  @discardableResult
  public func remove(_ key: Key) throws(ChannelError) -> Value? {
    try value(in: open().request(.remove(key: bytes(key))))
  }

  /// Changes the value of a key so that nobody changes it in between: reads it, runs `body`, and stores what that made of it,
  /// `nil` to remove the key. If another process was faster, all of it happens again, so `body` may run several times.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  @discardableResult
  public func update<Result>(_ key: Key, _ body: (inout Value?) throws -> Result) throws -> Result {
    let key = try bytes(key)
    while true {
      var (value, version) = try versioned(open().request(.get(key: key)))
      let result = try body(&value)
      let replacement = try value.map { try stored($0) }
      let reply = try open().request(.replace(key: key, ifVersion: version, replacement))
      if case .conflict = reply { continue }
      try confirm(reply)
      return result
    }
  }

  /// All keys at one moment, in no order.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func keys() throws(ChannelError) -> [Key] { try keys(in: open().request(.keys)) }

  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func count() throws(ChannelError) -> Int { try confirm(open().request(.count)) }

  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func removeAll() throws(ChannelError) { try confirm(open().request(.removeAll)) }

  init(door: SharedFile, ownerPID: Int32) {
    self.ownerPID = ownerPID
    link = Mutex(DictionaryLink(door: door))
  }
}

extension SharedDictionary: Codable {
  private enum CodingKeys: CodingKey { case door, ownerPID }

  /// As part of an argument, a result or a message; anywhere else it throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(PassedFile(open().door), forKey: .door)
    try container.encode(ownerPID, forKey: .ownerPID)
  }

  public convenience init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      door: try container.decode(PassedFile.self, forKey: .door).file,
      ownerPID: try container.decode(Int32.self, forKey: .ownerPID))
  }
}
