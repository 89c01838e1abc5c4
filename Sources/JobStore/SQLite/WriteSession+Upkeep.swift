// The verbs of clients and of the clock: cancelled, retried, deleted, due, expired, moved to another executor.

import JobModel

extension WriteSession {
  func requestCancel(_ id: JobID, now: Timestamp, expiresAt: Timestamp) throws(SQLiteFailure) -> CancelDecision {
    guard var row = try stored(id) else { return .unknown }
    switch row.job.state {
    case .succeeded, .failed, .cancelled:
      return .alreadyEnded(row.job)
    case .scheduled, .queued:
      let waiting = row
      return .cancelled(try atomically { () throws(SQLiteFailure) in try cancelInLine(waiting, now, expiresAt) })
    case .running:
      if !row.job.cancelRequested {
        row.job = row.job.askedToStop()
        try write(row)
      }
      return .stopping(row.job)
    }
  }

  /// Ends a job that waits. The caller sees to it that this is undone as a whole.
  @discardableResult
  func cancelInLine(_ row: Stored, _ now: Timestamp, _ expiresAt: Timestamp) throws(SQLiteFailure) -> Job {
    let ended = Stored(seq: row.seq, job: row.job.cancelledInLine(now: now, expiresAt: expiresAt))
    try write(ended)
    // It may have been the one that stood in line for others of its key.
    if let group = KeyGroup(ended.job) { try releaseFirst(of: group) }
    return ended.job
  }

  func retry(_ id: JobID, now: Timestamp) throws(SQLiteFailure) -> RetryDecision {
    guard var row = try stored(id) else { return .unknown }
    switch row.job.state {
    case .scheduled, .queued, .running, .succeeded:
      return .refused(row.job)
    case .failed, .cancelled:
      if let other = try holder(ofUniqueKey: row.job.uniqueKey) { return .uniqueKeyTaken(other) }
      row.job = row.job.retried(now: now)
      let again = row
      try atomically { () throws(SQLiteFailure) in
        try write(again, withHistory: true)
        try forgetLog(again.seq)
        // The end that it told of is none any more.
        try forgetCallback(again.seq)
      }
      return .queued(again.job)
    }
  }

  func delete(_ id: JobID) throws(SQLiteFailure) -> DeleteDecision {
    guard let row = try stored(id) else { return .unknown }
    guard row.job.state.isFinal else { return .notEnded(row.job) }
    try atomically { () throws(SQLiteFailure) in try forget(row.seq) }
    return .deleted(spoolFiles: row.job.spoolFiles, batch: row.job.batch?.batch)
  }

  func promoteDue(now: Timestamp, limit: Int) throws(SQLiteFailure) -> Promotion {
    var promoted: [Promotion.Promoted] = []
    if limit > 0 {
      due.bind(1, now.microseconds)
      due.bind(2, limit)
      let rows = try collect(due)
      if !rows.isEmpty {
        try atomically { () throws(SQLiteFailure) in
          for var row in rows {
            row.job = row.job.due(now: now)
            try write(row)
            promoted.append(Promotion.Promoted(row.job))
          }
        }
      }
    }
    return Promotion(promoted: promoted, nextDue: try NextDue.read(nextDue))
  }

  func removeExpired(now: Timestamp, limit: Int) throws(SQLiteFailure) -> Removal {
    guard limit > 0 else { return Removal(ids: [], spoolFiles: []) }
    var removal = Removal(ids: [], spoolFiles: [])
    var rows: [Int64] = []
    expired.bind(1, now.microseconds)
    expired.bind(2, limit)
    try expired.forEachRow { row throws(SQLiteFailure) in
      rows.append(row.int64(0))
      removal.ids.append(try row.jobID(1))
      removal.spoolFiles += row.spoolFiles(first: 2)
      if !row.isNull(4) { removal.batches.insert(try row.jobID(4)) }
    }
    if rows.isEmpty { return removal }
    try atomically { () throws(SQLiteFailure) in
      for seq in rows { try forget(seq) }
    }
    return removal
  }

  /// Sets the executor of rows that still wait and are of that handler.
  func assignExecutors(_ moves: ArraySlice<ExecutorMove>) throws(SQLiteFailure) {
    try atomically { () throws(SQLiteFailure) in
      for move in moves {
        setExecutor.bind(1, move.seq)
        setExecutor.bind(2, move.executor.code)
        setExecutor.bind(3, move.handler)
        try setExecutor.run()
      }
    }
  }

  private func forget(_ seq: Int64) throws(SQLiteFailure) {
    try forgetLog(seq)
    try forgetCallback(seq)
    remove.bind(1, seq)
    try remove.run()
  }

  private func forgetLog(_ seq: Int64) throws(SQLiteFailure) {
    removeLog.bind(1, seq)
    try removeLog.run()
  }
}

/// A row that waits in the line of an executor that its handler no longer has.
struct ExecutorMove: Sendable {
  var seq: Int64
  var handler: String
  var executor: Executor
}
