import Glibc

/// A verb on its way to one of the store's threads, as the queue and the thread see it.
///
/// The thread calls ``perform(_:)`` and later ``settle()``, or ``fail(_:)`` instead of either or both; the caller waits
/// until one of the last two.
class StoreCall<Session>: @unchecked Sendable {
  // @unchecked: made by the caller, handed to the thread through a ``CallQueue``'s lock, and then the thread's alone.

  func perform(_ session: Session) { preconditionFailure("abstract") }
  func settle() { preconditionFailure("abstract") }
  func fail(_ error: StoreError) { preconditionFailure("abstract") }
}

/// A call that gives back a `Value`.
final class ValueCall<Session, Value: Sendable>: StoreCall<Session>, @unchecked Sendable {
  // Unsafe continuations save a checked one's allocation on the hottest path; `waiting` sees to it that each is resumed
  // once.
  typealias Continuation = UnsafeContinuation<Result<Value, StoreError>, Never>

  private let operation: String
  private let body: @Sendable (Session) throws(SQLiteFailure) -> Value
  private var waiting: Continuation?
  private var outcome: Result<Value, StoreError>?

  init(
    _ operation: String, _ waiting: Continuation, _ body: @escaping @Sendable (Session) throws(SQLiteFailure) -> Value
  ) {
    self.operation = operation
    self.waiting = waiting
    self.body = body
  }

  override func perform(_ session: Session) {
    do throws(SQLiteFailure) {
      outcome = .success(try body(session))
    } catch {
      outcome = .failure(error.storeError(operation))
    }
  }

  override func settle() {
    guard let outcome else { preconditionFailure("a call is settled before it was performed") }
    end(outcome)
  }

  override func fail(_ error: StoreError) {
    end(.failure(StoreError(error.kind, operation: operation, cause: error.cause)))
  }

  private func end(_ result: Result<Value, StoreError>) {
    guard let continuation = waiting else { preconditionFailure("a call is ended twice") }
    waiting = nil
    continuation.resume(returning: result)
  }
}

/// Where verbs wait for the thread that does them: first in, first out, no more than `capacity`, and none behind a line that
/// has not moved for ``patience``.
final class CallQueue<Session>: @unchecked Sendable {
  // @unchecked: all state is guarded by `mutex`. A condition variable is needed to sleep on, which `Synchronization.Mutex`
  // cannot be joined with.

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let filled = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let capacity: Int
  private var calls: [StoreCall<Session>] = []
  /// When the thread last took a call, or the first one came to an empty line.
  private var lastMoved: UInt64 = 0
  private var isClosed = false
  private var threadSleeps = false

  /// In nanoseconds. The thread may be held up by a disk that hangs, or by a process that was stopped in its turn to write.
  private static var patience: UInt64 { 10_000_000_000 }

  init(capacity: Int) {
    self.capacity = capacity
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(filled, nil)
  }

  deinit {
    pthread_cond_destroy(filled)
    pthread_mutex_destroy(mutex)
    filled.deallocate()
    mutex.deallocate()
  }

  /// Has `body` done on the thread and waits for what it gives.
  func call<Value: Sendable>(
    _ operation: String, _ body: @escaping @Sendable (Session) throws(SQLiteFailure) -> Value
  ) async throws(StoreError) -> Value {
    let result: Result<Value, StoreError> = await withUnsafeContinuation { continuation in
      let call = ValueCall(operation, continuation, body)
      if let refusal = add(call) { call.fail(refusal) }
    }
    return try result.get()
  }

  /// Gives back why it was not added.
  private func add(_ call: StoreCall<Session>) -> StoreError? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if isClosed { return StoreError(.closed, operation: "", cause: "the store is closed") }
    if calls.count >= capacity {
      return StoreError(.unavailable, operation: "", cause: "\(capacity) calls are waiting already")
    }
    let now = monotonicNanoseconds()
    if calls.isEmpty {
      lastMoved = now
    } else if now - lastMoved > Self.patience {
      return StoreError(.unavailable, operation: "", cause: "the call ahead has waited for more than 10 s")
    }
    calls.append(call)
    if threadSleeps {
      threadSleeps = false
      pthread_cond_signal(filled)
    }
    return nil
  }

  /// Moves at most `limit` calls into `batch`, the oldest first.
  func take(into batch: inout [StoreCall<Session>], limit: Int) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    moveOldest(into: &batch, limit)
  }

  /// The same, after waiting for at least one. False when the queue is closed and empty.
  func waitAndTake(into batch: inout [StoreCall<Session>], limit: Int) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while calls.isEmpty {
      if isClosed { return false }
      threadSleeps = true
      pthread_cond_wait(filled, mutex)
    }
    threadSleeps = false
    moveOldest(into: &batch, limit)
    return true
  }

  /// What waits is still done; what comes is refused.
  func close() {
    pthread_mutex_lock(mutex)
    isClosed = true
    pthread_cond_signal(filled)
    pthread_mutex_unlock(mutex)
  }

  private func moveOldest(into batch: inout [StoreCall<Session>], _ limit: Int) {
    lastMoved = monotonicNanoseconds()
    if calls.count <= limit, batch.isEmpty {
      swap(&batch, &calls)
    } else {
      let count = min(limit, calls.count)
      batch.append(contentsOf: calls.prefix(count))
      calls.removeFirst(count)
    }
  }
}
