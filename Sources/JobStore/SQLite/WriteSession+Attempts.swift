// The verbs of an attempt: told of, ended. How it begins is in `WriteSession+Line.swift`.

import JobModel

extension WriteSession {
  func finishIfStillOwned(_ ended: Job, owner: OwnerID, attempt: Int) throws(SQLiteFailure) -> FinishReceipt {
    precondition(ended.state != .running, "a job that is finished must not stay running")
    if let success = PlainRun.Success(ended), try plainRun.succeed(success, owner: owner, attempt: attempt) {
      return .written(revision: ended.revision)
    }
    guard let row = try ownership(of: ended.id), row.owner == owner.number, row.attempt == attempt else {
      return .notOwned
    }
    if row.cancelRequested && !ended.state.isFinal { return .cancelRequested }
    var job = ended
    // The row may have changed since the caller took its copy: progress, or a wish to cancel.
    job.revision = row.revision + 1
    job.cancelRequested = row.cancelRequested
    let stored = Stored(seq: row.seq, job: job)
    if let key = job.concurrencyKey {
      return try atomically { () throws(SQLiteFailure) in
        try write(stored, withHistory: !stored.job.state.isFinal)
        return .written(revision: stored.job.revision, released: try releaseAfterEnd(of: key))
      }
    }
    try write(stored, withHistory: !job.state.isFinal)
    return .written(revision: job.revision)
  }

  func recordProgressIfStillOwned(_ updates: ArraySlice<ProgressUpdate>, owner: OwnerID) throws(SQLiteFailure)
    -> [JobID: Int]
  {
    try atomically { () throws(SQLiteFailure) in
      var revisions: [JobID: Int] = [:]
      for news in updates {
        guard var row = try stored(news.id), row.job.state == .running, row.job.owner == owner else { continue }
        row.job = row.job.progressed(news.progress, runBy: news.runBy)
        try write(row)
        revisions[news.id] = row.job.revision
      }
      return revisions
    }
  }

  func appendLog(_ id: JobID, _ bytes: [UInt8]) throws(SQLiteFailure) {
    appendLog.bind(1, id)
    appendLog.bind(2, bytes)
    try appendLog.run()
  }

  /// Gives back what became of at most `limit` jobs.
  func rescueAbandoned(live: Set<OwnerID>, now: Timestamp, expiresAt: Timestamp, limit: Int) throws(SQLiteFailure)
    -> [Job]
  {
    try endHandling(exceptBy: live)
    var gone: [Int64] = []
    try owners.forEachRow { row in
      let owner = row.int64(0)
      if !live.contains(OwnerID(number: owner)) { gone.append(owner) }
    }
    var abandoned: [Stored] = []
    for owner in gone where abandoned.count < limit {
      runningOf.bind(1, owner)
      runningOf.bind(2, limit - abandoned.count)
      abandoned += try collect(runningOf)
    }
    if abandoned.isEmpty { return [] }
    return try atomically { () throws(SQLiteFailure) in
      var rescued: [Job] = []
      for var row in abandoned {
        row.job = row.job.abandoned(now: now, expiresAt: expiresAt)
        try write(row, withHistory: !row.job.state.isFinal)
        if let key = row.job.concurrencyKey { try releaseAfterEnd(of: key) }
        rescued.append(row.job)
      }
      return rescued
    }
  }

  private struct Ownership {
    var seq: Int64
    var owner: Int64
    var attempt: Int
    var cancelRequested: Bool
    var revision: Int
  }

  /// `nil` unless the job is running.
  private func ownership(of id: JobID) throws(SQLiteFailure) -> Ownership? {
    ownership.bind(1, id)
    return try ownership.firstRow { row in
      guard row.int(1) == JobState.running.code else { return nil }
      return Ownership(
        seq: row.int64(0), owner: row.int64(2), attempt: row.int(3), cancelRequested: row.int(4) != 0,
        revision: row.int(5))
    } ?? nil
  }
}
