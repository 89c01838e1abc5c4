// Callbacks: entered with a job's end, taken, and told of.

import GRDB
import JobModel

/// The statements that change callbacks.
struct CallbackStatements {
  let enter: PreparedStatement
  let remove: PreparedStatement
  let firstOfNextHost: PreparedStatement
  let dueOfHost: PreparedStatement
  let take: PreparedStatement
  let record: PreparedStatement

  init(_ database: Database) throws {
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    enter = try prepared(
      """
      INSERT OR REPLACE INTO callback (job_seq, state, attempts, due_at, job_revision, host, url)
      VALUES (?1, 0, 0, ?2, ?3, ?4, ?5)
      """)
    remove = try prepared("DELETE FROM callback WHERE job_seq = ?1")
    firstOfNextHost = try prepared(
      """
      SELECT host, due_at FROM callback INDEXED BY callback_host WHERE state = 0 AND host > ?1
      ORDER BY host, due_at LIMIT 1
      """)
    dueOfHost = try prepared(
      """
      SELECT job_seq, id, job_revision, url, attempts
      FROM callback INDEXED BY callback_host CROSS JOIN job ON seq = job_seq
      WHERE callback.state = 0 AND host = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3
      """)
    take = try prepared("UPDATE callback SET attempts = attempts + 1, due_at = ?2 WHERE job_seq = ?1")
    record = try prepared(
      """
      UPDATE callback SET state = ?4, due_at = coalesce(?5, due_at), last_status = ?6, last_error = ?7
      WHERE job_seq = (SELECT seq FROM job WHERE id = ?1) AND job_revision = ?2 AND attempts = ?3 AND state = 0
      RETURNING 1
      """)
  }
}

extension WriteSession {
  /// Called with every end of a job that has a callback URL, in the transaction that writes it.
  func enterCallback(_ stored: Stored, _ url: String) throws(SQLiteFailure) {
    callbacks.enter.bind(1, stored.seq)
    callbacks.enter.bind(2, (stored.job.finishedAt ?? stored.job.createdAt).microseconds)
    callbacks.enter.bind(3, stored.job.revision)
    callbacks.enter.bind(4, CallbackPolicy.host(of: url))
    callbacks.enter.bind(5, url)
    try callbacks.enter.run()
  }

  func forgetCallback(_ seq: Int64) throws(SQLiteFailure) {
    callbacks.remove.bind(1, seq)
    try callbacks.remove.run()
  }

  /// Hosts that one call looks at.
  private static let hostLimit = 1000

  /// Goes once round the hosts that have something pending, from the one whose turn is next; an index leads from each to the
  /// next, past all that the host has.
  func claimCallbacks(_ request: CallbackClaimRequest) throws(SQLiteFailure) -> CallbackClaims {
    var found: [(seq: Int64, claim: CallbackClaim)] = []
    var host = request.after ?? ""
    var hasWrapped = host.isEmpty
    var visited: Set<String> = []
    while found.count < request.limit, visited.count < Self.hostLimit {
      guard let (next, firstDue) = try nextHost(after: host) else {
        if hasWrapped { break }
        hasWrapped = true
        host = ""
        continue
      }
      guard visited.insert(next).inserted else { break }
      host = next
      let room = min(request.limit - found.count, request.limitPerHost - (request.underWay[host] ?? 0))
      if firstDue <= request.now, room > 0 { found += try due(of: host, request.now, room) }
    }
    guard !found.isEmpty else { return CallbackClaims(claims: [], last: host) }
    let taken = found
    try atomically { () throws(SQLiteFailure) in
      for one in taken {
        callbacks.take.bind(1, one.seq)
        callbacks.take.bind(2, request.leaseUntil.microseconds)
        try callbacks.take.run()
      }
    }
    return CallbackClaims(claims: taken.map(\.claim), last: host)
  }

  func recordCallback(_ claim: CallbackClaim, _ delivery: CallbackDelivery) throws(SQLiteFailure) -> Bool {
    callbacks.record.bind(1, claim.job)
    callbacks.record.bind(2, claim.revision)
    callbacks.record.bind(3, claim.attempt)
    callbacks.record.bind(4, delivery.state.code)
    callbacks.record.bind(5, delivery.nextAttemptAt?.microseconds)
    callbacks.record.bind(6, delivery.lastStatus)
    callbacks.record.bind(7, delivery.lastError)
    return try callbacks.record.firstRow { _ in true } ?? false
  }

  private func nextHost(after host: String) throws(SQLiteFailure) -> (String, Timestamp)? {
    callbacks.firstOfNextHost.bind(1, host)
    return try callbacks.firstOfNextHost.firstRow { row in (row.text(0), Timestamp(microseconds: row.int64(1))) }
  }

  private func due(
    of host: String, _ now: Timestamp, _ limit: Int
  ) throws(SQLiteFailure) -> [(seq: Int64, claim: CallbackClaim)] {
    callbacks.dueOfHost.bind(1, host)
    callbacks.dueOfHost.bind(2, now.microseconds)
    callbacks.dueOfHost.bind(3, limit)
    var due: [(Int64, CallbackClaim)] = []
    try callbacks.dueOfHost.forEachRow { row throws(SQLiteFailure) in
      let claim = CallbackClaim(
        job: try row.jobID(1), revision: row.int(2), url: row.text(3), host: host, attempt: row.int(4) + 1)
      due.append((row.int64(0), claim))
    }
    return due
  }
}
