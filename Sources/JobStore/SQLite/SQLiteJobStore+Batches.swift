// Which verb about batches goes where.

import JobModel

extension SQLiteJobStore {
  public func openBatch(_ batch: Batch) async throws(StoreError) {
    try await writer.write("open batch") { (session) throws(SQLiteFailure) in try session.openBatch(batch) }
  }

  public func fillBatch(
    _ batch: Batch, _ jobs: [Job], inputOffset: Int, now: Timestamp, expiresAt: Timestamp
  ) async throws(StoreError) -> Batch? {
    try await writer.write("fill batch") { (session) throws(SQLiteFailure) in
      try session.fillBatch(batch, jobs, inputOffset: inputOffset, now: now, expiresAt: expiresAt)
    }
  }

  public func requestBatchCancel(_ id: JobID, owner: OwnerID) async throws(StoreError) -> BatchCancelDecision {
    try await writer.write("cancel batch") { (session) throws(SQLiteFailure) in
      try session.requestBatchCancel(id, owner: owner)
    }
  }

  public func cancelNext(
    of batch: Batch, now: Timestamp, expiresAt: Timestamp
  ) async throws(StoreError) -> BatchCancelStep? {
    try await writer.write("cancel batch") { (session) throws(SQLiteFailure) in
      try session.cancelNext(of: batch, now: now, expiresAt: expiresAt, limit: Self.cancelStep)
    }
  }

  public func adoptBatches(live: Set<OwnerID>, owner: OwnerID) async throws(StoreError) -> [Batch] {
    try await writer.write("adopt batches") { (session) throws(SQLiteFailure) in
      try session.adoptBatches(live: live, owner: owner)
    }
  }

  public func batch(_ id: JobID) async throws(StoreError) -> Batch? {
    try await lookups.read("read batch") { (session) throws(SQLiteFailure) in try session.batch(id) }
  }

  public func batches(before: JobID?, limit: Int) async throws(StoreError) -> [Batch] {
    try await lists.read("list batches") { (session) throws(SQLiteFailure) in
      try session.batches(before: before, limit: limit)
    }
  }

  public func batchResults(
    _ id: JobID, _ order: BatchOrder, after cursor: Int
  ) async throws(StoreError) -> BatchResultPage? {
    try await lists.read("read results") { (session) throws(SQLiteFailure) in
      try session.batchResults(id, order, after: cursor)
    }
  }

  /// Small, because others wait meanwhile: some milliseconds.
  private static let cancelStep = 200
}
