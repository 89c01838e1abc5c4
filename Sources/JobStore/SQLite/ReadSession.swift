import GRDB
import JobModel

/// A reading connection: its statements, and the verbs that read. Belongs to one reader thread.
final class ReadSession {
  private let begin: PreparedStatement
  private let end: PreparedStatement
  private let jobByID: PreparedStatement
  private let jobBySeq: PreparedStatement
  private let walks: [Walk: PreparedStatement]
  private let hasQueued: PreparedStatement
  private let hasScheduled: PreparedStatement
  private let seqOf: PreparedStatement
  private let logOf: PreparedStatement
  private let queued: PreparedStatement
  private let scheduled: PreparedStatement
  private let running: PreparedStatement
  private let nextDue: PreparedStatement
  private let spoolFiles: PreparedStatement
  private let waiting: [PreparedStatement]
  private let held: PreparedStatement
  let line: LineStatements
  let queues: QueueStatements
  let keyLimits: KeyLimits
  let batches: BatchReading
  let schedules: ScheduleQueries
  let callbacks: CallbackQueries
  let tokens: TokenTable.Reading

  init(_ database: Database, _ keyLimits: KeyLimits) throws {
    self.keyLimits = keyLimits
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    begin = try prepared("BEGIN")
    end = try prepared("COMMIT")
    jobByID = try prepared("SELECT \(JobColumn.list) FROM job WHERE id = ?1")
    jobBySeq = try prepared("SELECT \(JobColumn.list) FROM job WHERE seq = ?1")
    walks = try Dictionary(uniqueKeysWithValues: Walk.allCases.map { ($0, try prepared($0.sql)) })
    hasQueued = try prepared(
      """
      SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_queued WHERE state = 1)
        OR EXISTS (SELECT 1 FROM job INDEXED BY job_held WHERE state = -1)
      """)
    hasScheduled = try prepared("SELECT EXISTS (SELECT 1 FROM job INDEXED BY job_scheduled WHERE state = 0)")
    seqOf = try prepared("SELECT seq FROM job WHERE id = ?1")
    logOf = try prepared("SELECT bytes FROM log WHERE job_seq = ?1 ORDER BY rowid")
    queued = try prepared(
      "SELECT executor, count(*), min(queued_at) FROM job INDEXED BY job_queued WHERE state = 1 GROUP BY executor")
    held = try prepared(
      "SELECT executor, count(*), min(queued_at) FROM job INDEXED BY job_held WHERE state = -1 GROUP BY executor")
    scheduled = try prepared("SELECT count(*) FROM job INDEXED BY job_scheduled WHERE state = 0")
    running = try prepared("SELECT count(*) FROM job INDEXED BY job_running WHERE state = 2")
    nextDue = try prepared(NextDue.sql)
    spoolFiles = try prepared(
      """
      SELECT \(PreparedStatement.spoolFileColumns) FROM job INDEXED BY job_spool
      WHERE input_file IS NOT NULL OR result_file IS NOT NULL
      """)
    tokens = try TokenTable.Reading(database)
    batches = try BatchReading(database)
    schedules = try ScheduleQueries(database)
    callbacks = try CallbackQueries(database)
    waiting = try [(0, "job_scheduled"), (1, "job_queued"), (-1, "job_held")].map { state, index in
      try prepared("SELECT seq, handler, executor FROM job INDEXED BY \(index) WHERE state = \(state)")
    }
    line = try LineStatements(database)
    queues = try QueueStatements(database)
  }

  /// Reads between these two see one moment of the store, and take SQLite's locks once.
  func beginBatch() throws(SQLiteFailure) { try begin.run() }
  func endBatch() throws(SQLiteFailure) { try end.run() }

  func job(_ id: JobID) throws(SQLiteFailure) -> Job? {
    jobByID.bind(1, id)
    guard let job = try jobByID.firstRow({ row throws(SQLiteFailure) in try row.job() }) else { return nil }
    return try withCallback(job)
  }

  /// Where a list is walked, newest first: the rarer the state, the smaller its own index.
  enum Walk: CaseIterable {
    case all, running, failed, cancelled

    init(_ filter: JobFilter) {
      switch filter.state {
      case .running: self = .running
      case .failed: self = .failed
      case .cancelled: self = .cancelled
      case .scheduled, .queued, .succeeded, nil: self = .all
      }
    }

    /// `seq`, `id` and whether the filter fits, of at most `?2` jobs before `?1` and not before `?7`. The literal state is what lets
    /// SQLite use a partial index.
    var sql: String {
      let source =
        switch self {
        case .all: "job WHERE id < ?1 AND id >= ?7"
        case .running: "job INDEXED BY job_running WHERE state = 2 AND id < ?1 AND id >= ?7"
        case .failed: "job INDEXED BY job_failed WHERE state = 4 AND id < ?1 AND id >= ?7"
        case .cancelled: "job INDEXED BY job_cancelled WHERE state = 5 AND id < ?1 AND id >= ?7"
        }
      return """
        SELECT seq, id, (?3 IS NULL OR state = ?3 OR state = -1 AND ?3 = 1) AND (?4 IS NULL OR handler = ?4)
          AND (?5 IS NULL OR queue = ?5) AND (?6 IS NULL OR batch = ?6)
        FROM \(source) ORDER BY id DESC LIMIT ?2
        """
    }
  }

  /// What the jobs of a page may take together; the page ends with the job that passes it.
  static let pageLimitBytes = 4 << 20

  /// Looks at no more than `visitLimit` jobs.
  func list(_ filter: JobFilter, before: JobID?, limit: Int, visitLimit: Int) throws(SQLiteFailure) -> JobPage {
    guard let walk = walks[Walk(filter)] else { preconditionFailure("every walk has its statement") }
    if try isKnownToBeEmpty(filter) { return JobPage(jobs: [], next: nil) }
    var first = JobID(high: 0, low: 0)
    var end = before ?? JobID(high: .max, low: .max)
    if let batch = filter.batch {
      guard let range = try idRange(ofBatch: batch) else { return JobPage(jobs: [], next: nil) }
      first = range.lowerBound
      // `end` itself is left out: the id after the last one of the batch.
      end = min(end, JobID(high: range.upperBound.high, low: range.upperBound.low + 1))
    }
    walk.bind(1, end)
    walk.bind(7, first)
    walk.bind(2, visitLimit)
    walk.bind(3, filter.state?.code)
    walk.bind(4, filter.handler)
    walk.bind(5, filter.queue)
    if let batch = filter.batch { walk.bind(6, batch) } else { walk.bindNull(6) }
    var fitting: [Int64] = []
    var visited = 0
    var last: JobID?
    try walk.forEachRow(while: { fitting.count < limit }) { row throws(SQLiteFailure) in
      visited += 1
      last = try row.jobID(1)
      if row.int(2) != 0 { fitting.append(row.int64(0)) }
    }
    var page = JobPage(jobs: [], next: nil)
    var bytes = 0
    for (place, seq) in fitting.enumerated() {
      jobBySeq.bind(1, seq)
      guard let job = try jobBySeq.firstRow({ row throws(SQLiteFailure) in try row.job() }) else { continue }
      page.jobs.append(try withCallback(job))
      bytes += job.heldBytes
      if bytes > Self.pageLimitBytes, place < fitting.count - 1 {
        page.next = job.id
        return page
      }
    }
    // A walk that ended before either limit has seen the oldest job.
    if fitting.count == limit || visited == visitLimit { page.next = last }
    return page
  }

  /// Whether no job at all waits, where such are asked for: else a walk past every job that has ended would find that out.
  private func isKnownToBeEmpty(_ filter: JobFilter) throws(SQLiteFailure) -> Bool {
    switch filter.state {
    case .queued: try hasQueued.firstRow { row in row.int(0) } == 0
    case .scheduled: try hasScheduled.firstRow { row in row.int(0) } == 0
    case .running, .succeeded, .failed, .cancelled, nil: false
    }
  }

  func log(_ id: JobID) throws(SQLiteFailure) -> [UInt8]? {
    seqOf.bind(1, id)
    guard let seq = try seqOf.firstRow({ row in row.int64(0) }) else { return nil }
    var bytes: [UInt8] = []
    logOf.bind(1, seq)
    try logOf.forEachRow { row in bytes += row.bytes(0) }
    return bytes
  }

  func depth() throws(SQLiteFailure) -> StoreDepth {
    var depth = StoreDepth(
      scheduled: try scheduled.firstRow { row in row.int(0) } ?? 0, queued: [:],
      running: try running.firstRow { row in row.int(0) } ?? 0, oldestQueuedAt: nil)
    for count in [queued, held] {
      try count.forEachRow { row throws(SQLiteFailure) in
        depth.queued[try Executor.ofCode(row.int64(0)), default: 0] += row.int(1)
        let oldest = Timestamp(microseconds: row.int64(2))
        depth.oldestQueuedAt = min(depth.oldestQueuedAt ?? oldest, oldest)
      }
    }
    depth.queued.merge(try waitingInputs().counts.filter { $0.value > 0 }, uniquingKeysWith: +)
    return depth
  }

  func nextDueAt() throws(SQLiteFailure) -> Timestamp? { try NextDue.read(nextDue) }

  func spoolFileNames() throws(SQLiteFailure) -> Set<String> {
    var names = Set(try waitingInputs().files)
    try spoolFiles.forEachRow { row in names.formUnion(row.spoolFiles(first: 0)) }
    return names
  }

  /// At most `limit` jobs that wait for another executor than `executors` says.
  func misplaced(_ executors: [String: Executor], limit: Int) throws(SQLiteFailure) -> [ExecutorMove] {
    var moves: [ExecutorMove] = []
    for query in waiting {
      try query.forEachRow(while: { moves.count < limit }) { row throws(SQLiteFailure) in
        let handler = row.text(1)
        guard let executor = executors[handler], row.int(2) != executor.code else { return }
        moves.append(ExecutorMove(seq: row.int64(0), handler: handler, executor: executor))
      }
    }
    return moves
  }
}

extension Job {
  /// About what it takes in memory.
  fileprivate var heldBytes: Int {
    var bytes = 1024 + input.args.count + metadata.count + (error?.backtrace?.utf8.count ?? 0)
    if case .body(let body, _, _) = input { bytes += body.count }
    if case .bytes(let result)? = result?.body { bytes += result.count }
    return bytes + pastAttempts.reduce(0) { $0 + 256 + ($1.error?.backtrace?.utf8.count ?? 0) }
  }
}
