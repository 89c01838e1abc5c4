import Synchronization

/// A call that a pool has taken: Python's `AsyncResult`.
///
/// ```swift
/// let call = try await pool.submit(square, 7)
/// …
/// print(try await call.value)
/// ```
///
/// It may be let go of: the call runs on.
public final class PendingCall<Value: Sendable>: Sendable {
  private enum State {
    case running
    case ended(PoolReply<Value>)
    case known(Result<Value, CallError>)
  }

  private struct Content {
    var state = State.running
    var waiting: [UInt64: @Sendable () -> Void] = [:]
    var nextWaiter: UInt64 = 0
    /// Until it ends.
    var started: (any StartedCall)?
    var isCancelled = false
  }

  private let content = Mutex(Content())

  init() {}

  // MARK: - Looking

  /// It has ended, well or badly.
  public var isReady: Bool {
    content.withLock { if case .running = $0.state { false } else { true } }
  }

  /// Whether it gave a value; `nil` while it is not ready.
  public var isSuccessful: Bool? {
    guard let result = resultNow else { return nil }
    if case .success = result { return true } else { return false }
  }

  /// Its end, if it is there.
  public var resultNow: Result<Value, CallError>? {
    let reply: PoolReply<Value>
    switch content.withLock({ $0.state }) {
    case .running: return nil
    case .known(let result): return result
    case .ended(let found): reply = found
    }
    // Decoded without the lock, maybe by two at once; the first to be done is kept.
    let result = reply.result
    return content.withLock { content in
      if case .known(let known) = content.state { return known }
      content.state = .known(result)
      return result
    }
  }

  // MARK: - Waiting

  /// Its value, when it is there. A task that is cancelled stops waiting, with ``CallError/cancelled``; the call goes on.
  public var value: Value {
    get async throws(CallError) { try await value(within: nil) }
  }

  /// The same, but waits no longer than `timeout`: then it throws ``CallError/notReady``, and the call goes on.
  public func value(timeout: Duration) async throws(CallError) -> Value { try await value(within: timeout) }

  /// Waits until it is ready, at most `timeout`. True: it is.
  @discardableResult
  public func wait(timeout: Duration? = nil) async -> Bool {
    let id = Mutex<UInt64?>(nil)
    let alarm = Mutex<Task<Void, Never>?>(nil)
    await withTaskCancellationHandler {
      await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        guard let waiter = whenReady({ continuation.resume() }) else { return continuation.resume() }
        id.withLock { $0 = waiter }
        if Task.isCancelled { return stopWaiting(waiter) }
        guard let timeout else { return }
        let task = Task { [weak self] in
          // Cancelled: the wait is over, one way or the other.
          if (try? await Task.sleep(for: timeout)) != nil { self?.stopWaiting(waiter) }
        }
        alarm.withLock { $0 = task }
      }
    } onCancel: {
      if let waiter = id.withLock({ $0 }) { stopWaiting(waiter) }
    }
    alarm.withLock { $0?.cancel() }
    return isReady
  }

  /// Blocks the thread until it is ready. For synchronous programs; never on a thread of Swift's cooperative pool, which other
  /// tasks need, and never on the event loop's, which brings the result.
  ///
  /// - Throws: ``CallError/notReady`` after `timeout`.
  @available(*, noasync, message: "use value, which suspends and does not block")
  public func blockingValue(timeout: Duration? = nil) throws(CallError) -> Value {
    try blockForValue(timeout: timeout)
  }

  func blockForValue(timeout: Duration?) throws(CallError) -> Value {
    let gate = ThreadGate()
    if let waiter = whenReady({ gate.open() }), !gate.wait(timeout) { stopWaiting(waiter) }
    guard let result = resultNow else { throw .notReady }
    return try result.get()
  }

  private func value(within timeout: Duration?) async throws(CallError) -> Value {
    await wait(timeout: timeout)
    guard let result = resultNow else { throw Task.isCancelled ? .cancelled : .notReady }
    return try result.get()
  }

  // MARK: - Ending

  /// Asks it to end. One that waits never starts; one that runs is told, and its process killed a second later if it does not
  /// listen. It ends as ``CallError/cancelled``, unless its end was there already.
  public func cancel() {
    let started = content.withLock { content in
      content.isCancelled = true
      return content.started
    }
    started?.cancel()
  }

  /// What ``cancel()`` cancels, once the pool has the call.
  func started(_ call: any StartedCall) {
    let isLate = content.withLock { content in
      if case .running = content.state { content.started = call }
      return content.isCancelled
    }
    if isLate { call.cancel() }
  }

  func end(_ reply: PoolReply<Value>) {
    let waiting = content.withLock { content in
      guard case .running = content.state else { preconditionFailure("a call ends once") }
      content.state = .ended(reply)
      content.started = nil
      defer { content.waiting = [:] }
      return content.waiting.values.map { $0 }
    }
    for waiter in waiting { waiter() }
  }

  /// Calls `body` at its end; at once if that is over.
  func afterEnd(_ body: @escaping @Sendable () -> Void) {
    if whenReady(body) == nil { body() }
  }

  /// What it ended with, for who knows that it has ended.
  var endedResult: Result<Value, CallError> {
    guard let result = resultNow else { preconditionFailure("the call has not ended") }
    return result
  }

  /// `nil`: it is ready, and `body` is not called.
  private func whenReady(_ body: @escaping @Sendable () -> Void) -> UInt64? {
    content.withLock { content in
      guard case .running = content.state else { return nil }
      content.nextWaiter += 1
      content.waiting[content.nextWaiter] = body
      return content.nextWaiter
    }
  }

  /// Calls a waiter that still waits.
  private func stopWaiting(_ waiter: UInt64) { content.withLock { $0.waiting.removeValue(forKey: waiter) }?() }
}
