import GRDB
import GRDBSQLite
import JobModel

/// The writing connection of this process: its statements and its transaction. Belongs to the writer thread.
///
/// The verbs are in its extensions. Each runs within the transaction of a batch and either does all it says or throws and
/// has done nothing.
final class WriteSession {
  let insert: PreparedStatement
  let update: PreparedStatement
  let updateWithHistory: PreparedStatement
  let plainRun: PlainRun
  let ownership: PreparedStatement
  let jobByID: PreparedStatement
  let jobBySeq: PreparedStatement
  let jobByUniqueKey: PreparedStatement
  let due: PreparedStatement
  let nextDue: PreparedStatement
  let owners: PreparedStatement
  let runningOf: PreparedStatement
  let expired: PreparedStatement
  let remove: PreparedStatement
  let appendLog: PreparedStatement
  let removeLog: PreparedStatement
  let setExecutor: PreparedStatement
  let batches: BatchWriting
  let hold: PreparedStatement
  let releaseFirst: PreparedStatement
  let queuedOfGroup: PreparedStatement
  let nextHeld: PreparedStatement
  let pause: PreparedStatement
  let resume: PreparedStatement
  let line: LineStatements
  let requests: RequestStatements
  let schedules: ScheduleStatements
  let callbacks: CallbackStatements
  let tokens: TokenTable.Writing

  let keyLimits: KeyLimits
  /// Where the next claim goes on, of an executor with more queues than one claim compares.
  var comparedUpTo: [Executor: String] = [:]
  let connection: OpaquePointer
  /// The log's length when it was last copied back.
  var checkpointedPages = 0
  private let logLength: LogLength
  private let begin: PreparedStatement
  private let commitChanges: PreparedStatement
  private let rollbackChanges: PreparedStatement
  private let savepoint: PreparedStatement
  private let releaseSavepoint: PreparedStatement
  private let rollbackToSavepoint: PreparedStatement

  init(_ database: Database, _ keyLimits: KeyLimits) throws {
    guard let connection = database.sqliteConnection else {
      throw SQLiteFailure(code: ResultCode.SQLITE_MISUSE.rawValue, message: "the connection is closed")
    }
    self.connection = connection
    self.keyLimits = keyLimits
    logLength = LogLength(of: connection)
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    insert = try prepared("INSERT INTO job (\(JobColumn.list)) VALUES (\(JobColumn.parameters))")
    let whereSeq = "WHERE seq = ?\(JobColumn.seqParameter)"
    update = try prepared("UPDATE job SET \(JobColumn.assignments(withHistory: false)) \(whereSeq)")
    updateWithHistory = try prepared("UPDATE job SET \(JobColumn.assignments(withHistory: true)) \(whereSeq)")
    plainRun = try PlainRun(database)
    ownership = try prepared("SELECT seq, state, owner, attempt, cancel_requested, revision FROM job WHERE id = ?1")
    jobByID = try prepared("SELECT \(JobColumn.list), seq FROM job WHERE id = ?1")
    jobBySeq = try prepared("SELECT \(JobColumn.list), seq FROM job WHERE seq = ?1")
    jobByUniqueKey = try prepared(
      "SELECT \(JobColumn.list) FROM job INDEXED BY job_unique WHERE unique_key = ?1 AND state < 3")
    due = try prepared(
      """
      SELECT \(JobColumn.list), seq FROM job INDEXED BY job_scheduled WHERE state = 0 AND scheduled_at <= ?1
      ORDER BY scheduled_at, seq LIMIT ?2
      """)
    nextDue = try prepared(NextDue.sql)
    owners = try prepared("SELECT DISTINCT owner FROM job INDEXED BY job_running WHERE state = 2")
    runningOf = try prepared(
      """
      SELECT \(JobColumn.list), seq FROM job INDEXED BY job_running WHERE state = 2 AND owner = ?1 LIMIT ?2
      """)
    expired = try prepared(
      """
      SELECT seq, id, \(PreparedStatement.spoolFileColumns), batch FROM job INDEXED BY job_expiring
      WHERE expires_at IS NOT NULL AND expires_at <= ?1
        AND (callback_url IS NULL OR NOT EXISTS (SELECT 1 FROM callback WHERE job_seq = seq AND callback.state = 0))
      ORDER BY expires_at LIMIT ?2
      """)
    remove = try prepared("DELETE FROM job WHERE seq = ?1")
    appendLog = try prepared("INSERT INTO log (job_seq, bytes) SELECT seq, ?2 FROM job WHERE id = ?1")
    removeLog = try prepared("DELETE FROM log WHERE job_seq = ?1")
    setExecutor = try prepared(
      "UPDATE job SET executor = ?2, revision = revision + 1 WHERE seq = ?1 AND state IN (-1, 0, 1) AND handler = ?3")
    hold = try prepared("UPDATE job SET state = -1 WHERE seq = ?1 AND state = 1")
    releaseFirst = try prepared(
      """
      UPDATE job SET state = 1 WHERE seq = (
        SELECT seq FROM job INDEXED BY job_held
        WHERE state = -1 AND concurrency_key = ?1 AND handler = ?2 AND queue = ?3
        ORDER BY priority DESC, queued_at, seq LIMIT 1)
      RETURNING executor
      """)
    queuedOfGroup = try prepared(
      """
      SELECT count(*) FROM (
        SELECT 1 FROM job INDEXED BY job_queued_key
        WHERE state = 1 AND concurrency_key = ?1 AND handler = ?2 AND queue = ?3 AND priority >= ?4 LIMIT ?5)
      """)
    nextHeld = try prepared(
      """
      SELECT concurrency_key, handler, queue FROM job INDEXED BY job_held
      WHERE state = -1 AND (concurrency_key, handler, queue) > (?1, ?2, ?3)
      ORDER BY concurrency_key, handler, queue LIMIT 1
      """)
    pause = try prepared("INSERT INTO paused_queue (name, paused_at) VALUES (?1, ?2)")
    resume = try prepared("DELETE FROM paused_queue WHERE name = ?1")
    line = try LineStatements(database)
    requests = try RequestStatements(database)
    batches = try BatchWriting(database)
    schedules = try ScheduleStatements(database)
    callbacks = try CallbackStatements(database)
    tokens = try TokenTable.Writing(database)
    begin = try prepared("BEGIN IMMEDIATE")
    commitChanges = try prepared("COMMIT")
    rollbackChanges = try prepared("ROLLBACK")
    savepoint = try prepared("SAVEPOINT verb")
    releaseSavepoint = try prepared("RELEASE verb")
    rollbackToSavepoint = try prepared("ROLLBACK TO verb")
  }

  // MARK: The transaction of a batch

  func beginBatch() throws(SQLiteFailure) { try begin.run() }
  func commitBatch() throws(SQLiteFailure) { try commitChanges.run() }

  /// False once SQLite has rolled the whole transaction back by itself, as it may after a full disk or an I/O error
  /// (https://www.sqlite.org/lang_transaction.html, section 3).
  var isInTransaction: Bool { sqlite3_get_autocommit(connection) == 0 }

  func rollbackBatch() throws(SQLiteFailure) {
    if isInTransaction { try rollbackChanges.run() }
  }

  /// Runs a verb of several statements so that it is undone alone when one of them fails. (A single statement that fails is
  /// undone by SQLite itself.)
  func atomically<Value>(_ body: () throws(SQLiteFailure) -> Value) throws(SQLiteFailure) -> Value {
    try savepoint.run()
    do {
      let value = try body()
      try releaseSavepoint.run()
      return value
    } catch {
      if isInTransaction {
        try rollbackToSavepoint.run()
        try releaseSavepoint.run()
      }
      throw error
    }
  }

  /// The length of the write-ahead log after the last commit.
  var logPages: Int { logLength.pages }

  // MARK: What the verbs are made of

  /// A job and its row's number.
  struct Stored {
    let seq: Int64
    var job: Job
  }

  func stored(_ id: JobID) throws(SQLiteFailure) -> Stored? {
    jobByID.bind(1, id)
    return try jobByID.firstRow { row throws(SQLiteFailure) in try row.stored() }
  }

  /// The jobs a prepared and bound query gives. They are collected before any of them is changed: what a query still under
  /// way sees of a change to its own index is undefined (https://www.sqlite.org/isolation.html).
  func collect(_ query: PreparedStatement) throws(SQLiteFailure) -> [Stored] {
    var found: [Stored] = []
    try query.forEachRow { row throws(SQLiteFailure) in found.append(try row.stored()) }
    return found
  }

  /// Writes what changes in a job's life; its past attempts only where one was added. With its end goes the callback that is
  /// to tell of it.
  func write(_ stored: Stored, withHistory: Bool = false) throws(SQLiteFailure) {
    guard stored.job.state.isFinal, let url = stored.job.callbackURL else {
      return try writeRow(stored, withHistory)
    }
    try atomically { () throws(SQLiteFailure) in
      try writeRow(stored, withHistory)
      try enterCallback(stored, url)
    }
  }

  private func writeRow(_ stored: Stored, _ withHistory: Bool) throws(SQLiteFailure) {
    let statement = withHistory ? updateWithHistory : update
    statement.bindChanging(stored.job)
    if stored.job.state == .queued, stored.job.concurrencyKey != nil, try mustHold(stored.job, seq: stored.seq) {
      statement.bind(.state, JobState.heldCode)
    }
    if withHistory { try statement.bindHistory(stored.job) }
    statement.bind(JobColumn.seqParameter, stored.seq)
    try statement.run()
  }
}

extension PreparedStatement {
  /// A row selected as `JobColumn.list, seq`.
  func stored() throws(SQLiteFailure) -> WriteSession.Stored {
    WriteSession.Stored(seq: int64(JobColumn.seqColumn), job: try job())
  }
}

/// Asked by the writer after a promotion, and by readers.
enum NextDue {
  static let sql = "SELECT min(scheduled_at) FROM job INDEXED BY job_scheduled WHERE state = 0"

  static func read(_ statement: PreparedStatement) throws(SQLiteFailure) -> Timestamp? {
    let microseconds = try statement.firstRow { row in row.optionalInt64(0) } ?? nil
    return microseconds.map { Timestamp(microseconds: $0) }
  }
}
