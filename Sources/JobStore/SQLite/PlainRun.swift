// The claim and the end of a job to which nothing else happens: most jobs.
//
// The general update of `WriteSession.write` names every column that may change in a job's life, so for each it looks at
// all indexes that have one of them. These two name only what changes here. Whatever they do not fit falls back to it.

import GRDB
import GRDBSQLite
import JobModel

/// Belongs to the writer thread.
final class PlainRun {
  private let claim: PreparedStatement
  private let succeed: PreparedStatement
  private let connection: OpaquePointer

  init(_ database: Database) throws {
    guard let connection = database.sqliteConnection else {
      throw SQLiteFailure(code: ResultCode.SQLITE_MISUSE.rawValue, message: "the connection is closed")
    }
    self.connection = connection
    claim = try PreparedStatement(
      database,
      """
      UPDATE job SET state = \(JobState.running.code), attempt = ?2, revision = ?3, owner = ?4, started_at = ?5,
        run_node = ?6, run_acceptor = ?7, run_pid = ?8
      WHERE seq = ?1
      """)
    // That the revision is still the one before says that nobody wrote the row since it was claimed: there is no progress
    // in it, no error and no wish to cancel.
    succeed = try PreparedStatement(
      database,
      """
      UPDATE job SET state = \(JobState.succeeded.code), revision = ?4 + 1, owner = NULL, started_at = ?5,
        finished_at = ?6, expires_at = ?7, run_pid = ?8,
        usage_queued = ?9, usage_wall = ?10, usage_cpu = ?11, usage_max_resident = ?12,
        result_type = ?13, result_bytes = ?14, result_body = ?15,
        batch_end = CASE WHEN batch IS NOT NULL THEN (SELECT ends + 1 FROM batch WHERE batch.id = job.batch) END
      WHERE id = ?1 AND state = \(JobState.running.code) AND owner = ?2 AND attempt = ?3 AND revision = ?4
        AND cancel_requested = 0
      """)
  }

  /// Whether a claim of this job has nothing of an earlier attempt to forget.
  static func canClaim(_ waiting: Job) -> Bool {
    waiting.error == nil && waiting.usage == nil && waiting.progress == nil
  }

  /// - Parameter job: as it is once claimed.
  func claim(_ job: Job, seq: Int64) throws(SQLiteFailure) {
    claim.bind(1, seq)
    claim.bind(2, job.attempt)
    claim.bind(3, job.revision)
    claim.bind(4, job.owner?.number)
    claim.bind(5, job.startedAt?.microseconds)
    claim.bind(6, job.runBy?.node)
    claim.bind(7, job.runBy?.acceptor)
    claim.bind(8, job.runBy.map { Int($0.pid) })
    try claim.run()
  }

  /// A job that succeeded without progress, with a result that stands in its row, and whose end concerns no other row.
  struct Success {
    let job: Job
    let result: JobResult
    let body: [UInt8]

    init?(_ ended: Job) {
      guard ended.state == .succeeded, ended.concurrencyKey == nil, ended.callbackURL == nil, ended.progress == nil,
        ended.error == nil, let result = ended.result, case .bytes(let body) = result.body
      else { return nil }
      (job, self.result, self.body) = (ended, result, body)
    }
  }

  /// Writes the end if the row is as it was claimed but for the time and process of its start. False: it is not, and
  /// nothing was written.
  func succeed(_ success: Success, owner: OwnerID, attempt: Int) throws(SQLiteFailure) -> Bool {
    let job = success.job
    succeed.bind(1, job.id)
    succeed.bind(2, owner.number)
    succeed.bind(3, attempt)
    succeed.bind(4, job.revision - 1)
    succeed.bind(5, job.startedAt?.microseconds)
    succeed.bind(6, job.finishedAt?.microseconds)
    succeed.bind(7, job.expiresAt?.microseconds)
    succeed.bind(8, job.runBy.map { Int($0.pid) })
    succeed.bind(9, job.usage?.queued.microsecondsClamped)
    succeed.bind(10, job.usage?.wall.microsecondsClamped)
    succeed.bind(11, job.usage?.cpu?.microsecondsClamped)
    succeed.bind(12, job.usage?.maxResidentBytes)
    succeed.bind(13, success.result.mediaType)
    succeed.bind(14, success.result.byteCount)
    succeed.bind(15, success.body)
    try succeed.run()
    // Rows that triggers change do not count (https://www.sqlite.org/c3ref/changes.html).
    return sqlite3_changes(connection) == 1
  }
}
