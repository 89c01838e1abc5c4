import Glibc

/// A queue that any number of processes put into and take from: Python's `Queue`. First in, first out; each item goes to one
/// taker.
///
/// ```swift
/// let numbers = try SharedQueue<Int>(capacity: 100)
/// let consumers = try (0..<2).map { _ in try ChildProcess(Functions.consume, numbers) }
/// for number in 0..<10_000 { try numbers.put(number) }  // waits while 100 are there
/// numbers.close()
/// for consumer in consumers { try consumer.join() }
///
/// // In the children:
/// while let number = try numbers.get() { work(number) }
/// ```
///
/// A process that is killed while it puts or takes harms nobody: what it was putting is there whole or not at all, and what it
/// had taken is gone with it. Nothing comes twice. (In Python a killed process can close its queue for ever.)
///
/// A value of more than 32 KB, and one with open files in it, takes one of some 250 places for those, whatever the capacity;
/// such values go in sealed memory files that are not copied.
///
/// In asynchronous code the same names wait without blocking a thread, and throw `CancellationError` when the task is
/// cancelled.
public final class SharedQueue<Element: Codable & Sendable>: Sendable {
  private let ring: QueueRing

  /// - Parameter capacity: items that may be there at once, exactly. Each place may come to take up to 32 KB of memory.
  public init(capacity: Int) throws(MultiprocessingError) {
    precondition(capacity > 0, "a queue has room for at least one item")
    ring = try QueueRing(capacity: capacity)
  }

  public var capacity: Int { ring.capacity }

  /// Items there now. Python's `qsize`.
  public var count: Int { ring.count }

  public var isClosed: Bool { ring.isClosed }

  // MARK: - Without waiting

  /// Puts an item if there is room; false: there is none. Python's `put_nowait`.
  public func tryPut(_ value: Element) throws(ChannelError) -> Bool {
    try put(pack(value), waits: false)
  }

  /// Takes an item if there is one; `nil`: there is none. Python's `get_nowait`.
  public func tryGet() throws(ChannelError) -> Element? {
    guard case .item(let item) = try take(waits: false) else { return nil }
    return try unpack(item)
  }

  // MARK: - Blocking

  /// Puts an item; waits while the queue is full.
  ///
  /// - Parameter timeout: the longest wait; `nil`: no limit.
  /// - Throws: ``ChannelError``: `closed`, `timedOut`, or `value` for one that cannot be encoded.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func put(_ value: Element, timeout: Duration? = nil) throws(ChannelError) {
    let deadline = timeout?.fromNow
    let item = try pack(value)
    while try !put(item, waits: true) {
      if try !Readiness.wait(for: POLLIN, of: ring.room, until: deadline) { throw .timedOut }
    }
  }

  /// Takes the next item; waits while there is none. `nil`: the queue was closed, and all items were taken.
  ///
  /// - Parameter timeout: the longest wait; `nil`: no limit.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func get(timeout: Duration? = nil) throws(ChannelError) -> Element? {
    let deadline = timeout?.fromNow
    while true {
      switch try take(waits: true) {
      case .item(let item): return try unpack(item)
      case .ended: return nil
      case .empty:
        if try !Readiness.wait(for: POLLIN, of: ring.items, until: deadline) { throw .timedOut }
      }
    }
  }

  // MARK: - Asynchronous

  /// Puts an item; suspends while the queue is full.
  public func put(_ value: Element, timeout: Duration? = nil) async throws {
    let deadline = timeout?.fromNow
    let item = try pack(value)
    while try !put(item, waits: true) {
      let isReady = try await Readiness.wait(for: POLLIN, of: ring.room, until: deadline)
      if !isReady { throw ChannelError.timedOut }
    }
  }

  /// Takes the next item; suspends while there is none. `nil`: the queue was closed, and all items were taken.
  public func get(timeout: Duration? = nil) async throws -> Element? {
    let deadline = timeout?.fromNow
    while true {
      switch try take(waits: true) {
      case .item(let item): return try unpack(item)
      case .ended: return nil
      case .empty:
        let isReady = try await Readiness.wait(for: POLLIN, of: ring.items, until: deadline)
        if !isReady { throw ChannelError.timedOut }
      }
    }
  }

  /// The items that come, until the queue was closed and all were taken.
  ///
  /// ```swift
  /// for try await number in numbers.elements { await work(number) }
  /// ```
  public var elements: AsyncThrowingStream<Element, any Error> {
    AsyncThrowingStream { try await self.get() }
  }

  // MARK: - End

  /// Ends the queue for all processes: what is there can still be taken, nothing can be put. May be called twice.
  public func close() { ring.close() }

  // MARK: -

  private func put(_ item: QueueItem, waits: Bool) throws(ChannelError) -> Bool {
    switch try system({ () throws(MultiprocessingError) in try ring.put(item, waits: waits) }) {
    case .put: return true
    case .full: return false
    case .closed: throw .closed
    }
  }

  private func take(waits: Bool) throws(ChannelError) -> QueueRing.Taking {
    try system { () throws(MultiprocessingError) in try ring.take(waits: waits) }
  }

  private func pack(_ value: Element) throws(ChannelError) -> QueueItem {
    let message = try Message(encoding: value)
    return try system { () throws(MultiprocessingError) in try QueueItem(message) }
  }

  private func unpack(_ item: QueueItem) throws(ChannelError) -> Element {
    try system { () throws(MultiprocessingError) in try item.message() }.value(Element.self)
  }

  private func system<Value>(_ body: () throws(MultiprocessingError) -> Value) throws(ChannelError) -> Value {
    do throws(MultiprocessingError) {
      return try body()
    } catch {
      throw .system(error)
    }
  }

  init(_ files: [SharedFile]) throws(MultiprocessingError) { ring = try QueueRing(files) }
}

extension SharedQueue: Codable {
  /// As part of an argument, a result or a message; anywhere else it throws.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    for file in ring.files { try container.encode(PassedFile(file)) }
  }

  public convenience init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    try self.init((0..<5).map { _ in try container.decode(PassedFile.self).file })
  }
}
