import GRDB

/// A thread that reads, with a connection of its own.
final class ReaderThread: Sendable {
  private let queue: CallQueue<ReadSession>
  private let thread: StoreThread

  /// Reads that may wait.
  static let capacity = 16_384
  /// Reads that share SQLite's locks; small, so that no reader holds up a checkpoint for long.
  static let batchLimit = 64

  init(_ connection: DatabaseQueue, _ name: String, _ keyLimits: KeyLimits) throws {
    let queue = CallQueue<ReadSession>(capacity: Self.capacity)
    let reader = Reader(queue, connection, try connection.inDatabase { try ReadSession($0, keyLimits) })
    self.queue = queue
    thread = try StoreThread.start(name) { reader.work() }
  }

  deinit { queue.close() }

  func read<Value: Sendable>(
    _ verb: String, _ body: @escaping @Sendable (ReadSession) throws(SQLiteFailure) -> Value
  ) async throws(StoreError) -> Value {
    try await queue.call(verb, body)
  }

  /// Finishes what waits, and closes the connection. May be called twice.
  func close() async {
    queue.close()
    await thread.end()
  }
}

/// What a reader thread does.
private final class Reader: @unchecked Sendable {
  // @unchecked: made by the thread that opens the store, handed to the reader thread, and touched by no other afterwards.
  private let queue: CallQueue<ReadSession>
  private let connection: DatabaseQueue
  /// `nil` once closed.
  private var session: ReadSession?
  private var batch: [StoreCall<ReadSession>] = []

  init(_ queue: CallQueue<ReadSession>, _ connection: DatabaseQueue, _ session: ReadSession) {
    self.queue = queue
    self.connection = connection
    self.session = session
  }

  func work() {
    // The thread enters GRDB's queue once and stays there.
    connection.inDatabase { _ in
      guard let session else { preconditionFailure("the reader works once") }
      while queue.waitAndTake(into: &batch, limit: ReaderThread.batchLimit) { readBatch(session) }
    }
    session = nil
    do {
      try connection.close()
    } catch {
      // A connection that only read has nothing to lose.
    }
  }

  private func readBatch(_ session: ReadSession) {
    do throws(SQLiteFailure) {
      try session.beginBatch()
      for call in batch { call.perform(session) }
      try session.endBatch()
      for call in batch { call.settle() }
    } catch {
      for call in batch { call.fail(error.storeError("")) }
    }
    batch.removeAll(keepingCapacity: true)
  }
}
