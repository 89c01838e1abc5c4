import GRDB

/// What one commit did.
public struct CommitReport: Sendable {
  /// The verbs it made durable.
  public var writes: Int
  /// From its first statement until it was durable.
  public var duration: Duration
  /// The length of SQLite's write-ahead log after it, in pages of 4 KiB.
  public var logPages: Int
}

/// The one thread of a process that writes: takes what waits, does it in one transaction, commits, and only then tells
/// those who wait. What arrives meanwhile goes into the next commit together, so the deeper the line the cheaper a write.
final class WriterThread: Sendable {
  private let queue: CallQueue<WriteSession>
  private let thread: StoreThread

  /// Writes that may wait. Beyond, the disk is the bottleneck, and a longer line would only make the wait longer.
  static let capacity = 16_384

  init(
    _ connection: DatabaseQueue, lock: consuming CommitLock, keyLimits: KeyLimits,
    onCommit: @escaping @Sendable (CommitReport) -> Void
  ) throws {
    queue = CallQueue<WriteSession>(capacity: Self.capacity)
    let session = try connection.inDatabase { try WriteSession($0, keyLimits) }
    let writer = Writer(queue, connection, session, lock, onCommit)
    thread = try StoreThread.start("store-writer") { writer.work() }
  }

  deinit { queue.close() }

  func write<Value: Sendable>(
    _ verb: String, _ body: @escaping @Sendable (WriteSession) throws(SQLiteFailure) -> Value
  ) async throws(StoreError) -> Value {
    try await queue.call(verb, body)
  }

  /// Finishes what waits, and closes the connection. May be called twice.
  func close() async {
    queue.close()
    await thread.end()
  }
}

/// What the writer thread does.
private final class Writer: @unchecked Sendable {
  // @unchecked: made by the thread that opens the store, handed to the writer thread, and touched by no other afterwards.

  /// A commit's largest batch, and how long it goes on taking in what arrives meanwhile (nanoseconds).
  static let batchLimit = 512
  static let batchTime: UInt64 = 2_000_000

  private let queue: CallQueue<WriteSession>
  private let connection: DatabaseQueue
  /// `nil` once closed.
  private var session: WriteSession?
  private let lock: CommitLock
  private let onCommit: @Sendable (CommitReport) -> Void
  private var batch: [StoreCall<WriteSession>] = []

  init(
    _ queue: CallQueue<WriteSession>, _ connection: DatabaseQueue, _ session: WriteSession,
    _ lock: consuming CommitLock, _ onCommit: @escaping @Sendable (CommitReport) -> Void
  ) {
    self.queue = queue
    self.connection = connection
    self.session = session
    self.lock = lock
    self.onCommit = onCommit
  }

  func work() {
    // The thread enters GRDB's queue once and stays there.
    connection.inDatabase { _ in
      guard let session else { preconditionFailure("the writer works once") }
      while queue.waitAndTake(into: &batch, limit: Self.batchLimit) {
        do throws(SQLiteFailure) {
          try takeTurn(session)
          endBatch { $0.settle() }
        } catch {
          // Nothing of the batch is in the file, and nobody was told otherwise.
          endBatch { $0.fail(error.storeError("")) }
        }
      }
    }
    close()
  }

  /// One turn is one commit. Several a turn would save wake-ups, but with few writes at a time one process was seen to get
  /// 4.5 times another's share.
  private func takeTurn(_ session: WriteSession) throws(SQLiteFailure) {
    try lock.acquire()
    // Before the callers are told, so that the next process is at work meanwhile.
    defer { lock.release() }
    try commitBatch(session)
    session.checkpointIfLong()
  }

  private func commitBatch(_ session: WriteSession) throws(SQLiteFailure) {
    let begun = monotonicNanoseconds()
    try session.beginBatch()
    do throws(SQLiteFailure) {
      var done = 0
      while done < batch.count {
        while done < batch.count {
          batch[done].perform(session)
          done += 1
          if !session.isInTransaction { throw SQLiteFailure.rolledBack }
        }
        if done < Self.batchLimit && monotonicNanoseconds() - begun < Self.batchTime {
          queue.take(into: &batch, limit: Self.batchLimit - done)
        }
      }
      try session.commitBatch()
    } catch {
      try session.rollbackBatch()
      throw error
    }
    onCommit(
      CommitReport(
        writes: batch.count, duration: .nanoseconds(monotonicNanoseconds() - begun), logPages: session.logPages))
  }

  private func endBatch(_ end: (StoreCall<WriteSession>) -> Void) {
    for call in batch { end(call) }
    batch.removeAll(keepingCapacity: true)
  }

  /// The last connection to close copies the log back and removes it, so it takes its turn for that too.
  private func close() {
    session = nil
    do {
      try lock.acquire()
      try connection.close()
      lock.release()
    } catch {
      // Whoever opens the file next recovers from the log all that was acknowledged: nothing is lost by a close that fails.
    }
  }
}
