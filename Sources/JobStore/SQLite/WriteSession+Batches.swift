// The verbs that write batches: opened, filled, cancelled, adopted.

import GRDB
import GRDBSQLite
import JobModel

/// The statements of these verbs.
final class BatchWriting {
  let insert: PreparedStatement
  let insertPrototype: PreparedStatement
  let byID: PreparedStatement
  let filled: PreparedStatement
  let cancel: PreparedStatement
  let toCancel: PreparedStatement
  let cancelled: PreparedStatement
  let unfinished: PreparedStatement
  let adopt: PreparedStatement

  init(_ database: Database) throws {
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    insert = try prepared(BatchRow.insert)
    insertPrototype = try prepared("INSERT INTO batch_prototype (batch, job) VALUES (?1, ?2)")
    byID = try prepared("SELECT \(BatchRow.columns) FROM batch WHERE id = ?1")
    filled = try prepared("UPDATE batch SET filled = ?2, input_offset = ?3, input_file = ?4 WHERE id = ?1")
    cancel = try prepared(
      """
      UPDATE batch SET cancel_requested = 1, owner = ?2, cancel_next = 0, cancel_end = filled WHERE id = ?1
      """)
    toCancel = try prepared(
      """
      SELECT \(JobColumn.list), seq FROM job WHERE batch = ?1 AND batch_index >= ?2 AND batch_index < ?3
      ORDER BY batch_index LIMIT ?4
      """)
    cancelled = try prepared("UPDATE batch SET cancel_next = ?2 WHERE id = ?1")
    unfinished = try prepared(
      "SELECT \(BatchRow.columns) FROM batch WHERE filled < total OR cancel_next < cancel_end")
    adopt = try prepared("UPDATE batch SET owner = ?2 WHERE id = ?1")
  }
}

extension WriteSession {
  func openBatch(_ batch: Batch) throws(SQLiteFailure) {
    let prototype = try StoredPrototype.encode(batch.prototype)
    try atomically { () throws(SQLiteFailure) in
      batches.insert.bind(batch)
      try batches.insert.run()
      batches.insertPrototype.bind(1, batch.id)
      batches.insertPrototype.bind(2, prototype)
      try batches.insertPrototype.run()
    }
  }

  func fillBatch(
    _ known: Batch, _ jobs: [Job], inputOffset: Int, now: Timestamp, expiresAt: Timestamp
  ) throws(SQLiteFailure) -> Batch? {
    guard let batch = try storedBatch(known.id), batch.owner == known.owner, batch.filled == known.filled else {
      return nil
    }
    precondition(batch.filled + jobs.count <= batch.total, "a batch has no more jobs than inputs")
    return try atomically { () throws(SQLiteFailure) in
      for job in jobs {
        try insert(job)
        if !batch.cancelRequested { continue }
        try cancelInLine(Stored(seq: sqlite3_last_insert_rowid(connection), job: job), now, expiresAt)
      }
      let filled = batch.filled + jobs.count
      batches.filled.bind(1, batch.id)
      batches.filled.bind(2, filled)
      batches.filled.bind(3, inputOffset)
      batches.filled.bind(4, filled == batch.total ? nil : batch.inputFile)
      try batches.filled.run()
      return try storedBatch(batch.id)
    }
  }

  func requestBatchCancel(_ id: JobID, owner: OwnerID) throws(SQLiteFailure) -> BatchCancelDecision {
    guard let batch = try storedBatch(id) else { return .unknown }
    if batch.isDone { return .alreadyEnded(batch) }
    batches.cancel.bind(1, id)
    batches.cancel.bind(2, owner.number)
    try batches.cancel.run()
    return .stopping(try storedBatch(id) ?? batch)
  }

  /// Looks at no more than `limit` jobs.
  func cancelNext(
    of known: Batch, now: Timestamp, expiresAt: Timestamp, limit: Int
  ) throws(SQLiteFailure) -> BatchCancelStep? {
    guard let batch = try storedBatch(known.id), batch.owner == known.owner else { return nil }
    batches.toCancel.bind(1, batch.id)
    batches.toCancel.bind(2, batch.toCancel.lowerBound)
    batches.toCancel.bind(3, batch.toCancel.upperBound)
    batches.toCancel.bind(4, limit)
    let rows = try collect(batches.toCancel)
    return try atomically { () throws(SQLiteFailure) in
      var step = BatchCancelStep(batch: batch, cancelled: [], stopping: [])
      for var row in rows {
        switch row.job.state {
        case .succeeded, .failed, .cancelled: break
        case .scheduled, .queued:
          step.cancelled.append(try cancelInLine(row, now, expiresAt))
        case .running:
          if !row.job.cancelRequested {
            row.job = row.job.askedToStop()
            try write(row)
          }
          step.stopping.append(row.job)
        }
      }
      batches.cancelled.bind(1, batch.id)
      // Fewer than asked for: the others were deleted.
      let next = rows.count < limit ? nil : rows.last?.job.batch.map { $0.index + 1 }
      batches.cancelled.bind(2, next ?? batch.toCancel.upperBound)
      try batches.cancelled.run()
      step.batch = try storedBatch(batch.id) ?? batch
      return step
    }
  }

  func adoptBatches(live: Set<OwnerID>, owner: OwnerID) throws(SQLiteFailure) -> [Batch] {
    var adopted: [Batch] = []
    try batches.unfinished.forEachRow { row throws(SQLiteFailure) in
      let batch = try row.batch()
      if !live.contains(batch.owner) { adopted.append(batch) }
    }
    return try atomically { () throws(SQLiteFailure) in
      for index in adopted.indices {
        adopted[index].owner = owner
        batches.adopt.bind(1, adopted[index].id)
        batches.adopt.bind(2, owner.number)
        try batches.adopt.run()
      }
      return adopted
    }
  }

  private func storedBatch(_ id: JobID) throws(SQLiteFailure) -> Batch? {
    batches.byID.bind(1, id)
    return try batches.byID.firstRow { row throws(SQLiteFailure) in try row.batch() }
  }
}
