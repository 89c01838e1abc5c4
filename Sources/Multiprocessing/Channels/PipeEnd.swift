import Glibc
import Synchronization

/// One end of a ``Pipe``. Python's `Connection`.
///
/// Several threads, tasks and processes may use one end: each message goes to one of them. A process that is killed while it
/// sends or receives has sent or taken a message whole, or not at all.
///
/// The other side sees the end (`receive` gives `nil`) when *every* holder of this end closed it or died. So close
/// your own copy of an end that you handed to another process.
///
/// In asynchronous code the same names wait without blocking a thread, and throw `CancellationError` when the task is
/// cancelled.
public final class PipeEnd<Outgoing: Codable & Sendable, Incoming: Codable & Sendable>: Sendable {
  private let socket: Mutex<MessageSocket?>

  init(_ file: SharedFile) { socket = Mutex(MessageSocket(file)) }

  // MARK: - Blocking

  /// Sends a value; waits while the pipe is full, which it is with about 200 KB on their way. A value of more than 32 KB goes
  /// in a sealed memory file that is not copied.
  ///
  /// - Parameter timeout: the longest wait; `nil`: no limit.
  /// - Throws: ``ChannelError``: `noReceiver` if the other end is closed everywhere.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func send(_ value: Outgoing, timeout: Duration? = nil) throws(ChannelError) {
    let deadline = timeout?.fromNow
    let socket = try open()
    let packed = try MessageSocket.pack(Message(encoding: value))
    while try !sent(packed, on: socket) {
      if try !Readiness.wait(for: POLLOUT, of: socket.file, until: deadline) { throw .timedOut }
    }
  }

  /// Waits for a value; `nil`: the other end is closed everywhere, and all that was sent was received.
  ///
  /// - Parameter timeout: the longest wait; `nil`: no limit.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func receive(timeout: Duration? = nil) throws(ChannelError) -> Incoming? {
    let deadline = timeout?.fromNow
    let socket = try open()
    while true {
      switch try socket.receive() {
      case .message(let message): return try message.value(Incoming.self)
      case .ended: return nil
      case .empty:
        if try !Readiness.wait(for: POLLIN, of: socket.file, until: deadline) { throw .timedOut }
      }
    }
  }

  /// Whether `receive` would give something at once, be it the end. Python's `poll`.
  ///
  /// - Parameter timeout: how long to wait for that.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  public func poll(timeout: Duration = .zero) throws(ChannelError) -> Bool {
    try Readiness.wait(for: POLLIN, of: open().file, until: timeout.fromNow)
  }

  // MARK: - Asynchronous

  /// Sends a value; suspends while the pipe is full.
  public func send(_ value: Outgoing, timeout: Duration? = nil) async throws {
    let deadline = timeout?.fromNow
    let socket = try open()
    let packed = try MessageSocket.pack(Message(encoding: value))
    while try !sent(packed, on: socket) {
      let isReady = try await Readiness.wait(for: POLLOUT, of: socket.file, until: deadline)
      if !isReady { throw ChannelError.timedOut }
    }
  }

  /// Suspends until a value comes; `nil`: the end.
  public func receive(timeout: Duration? = nil) async throws -> Incoming? {
    let deadline = timeout?.fromNow
    let socket = try open()
    while true {
      switch try socket.receive() {
      case .message(let message): return try message.value(Incoming.self)
      case .ended: return nil
      case .empty:
        let isReady = try await Readiness.wait(for: POLLIN, of: socket.file, until: deadline)
        if !isReady { throw ChannelError.timedOut }
      }
    }
  }

  /// Whether `receive` would give something at once, be it the end.
  public func poll(timeout: Duration = .zero) async throws -> Bool {
    let file = try open().file
    // A task group for a mere look would be out of proportion.
    if Readiness.isReady(for: POLLIN, file) { return true }
    if timeout <= .zero { return false }
    return try await Readiness.wait(for: POLLIN, of: file, until: timeout.fromNow)
  }

  // MARK: - Ends

  /// Gives this end up; what is called later throws ``ChannelError/closed``. A call of this process that waits meanwhile
  /// keeps the end open until it returns. May be called twice.
  public func close() { socket.withLock { $0 = nil } }

  /// The messages that come, up to the end.
  ///
  /// ```swift
  /// for try await reading in receiver.messages { print(reading) }
  /// ```
  public var messages: AsyncThrowingStream<Incoming, any Error> {
    AsyncThrowingStream { try await self.receive() }
  }

  // MARK: -

  private func open() throws(ChannelError) -> MessageSocket {
    guard let socket = socket.withLock({ $0 }) else { throw .closed }
    return socket
  }

  private func sent(_ packed: MessageSocket.Packed, on socket: MessageSocket) throws(ChannelError) -> Bool {
    switch try socket.send(packed) {
    case .sent: return true
    case .full: return false
    case .noReceiver: throw .noReceiver
    }
  }
}

extension PipeEnd: Codable {
  /// As part of an argument, a result or a message; anywhere else it throws.
  public func encode(to encoder: any Encoder) throws {
    try PassedFile(open().file).encode(to: encoder)
  }

  public convenience init(from decoder: any Decoder) throws {
    self.init(try PassedFile(from: decoder).file)
  }
}
