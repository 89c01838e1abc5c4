import GRDB
import JobModel

/// The questions about the line that both a writing and a reading connection ask. Belongs to its connection's thread.
final class LineStatements {
  private let paused: PreparedStatement
  private let isPaused: PreparedStatement
  private let nextQueue: PreparedStatement
  private let firstOfQueue: PreparedStatement
  private let runningOfKey: PreparedStatement
  private let nextHeldOfKey: PreparedStatement
  private let heldOfGroup: PreparedStatement

  init(_ database: Database) throws {
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    paused = try prepared("SELECT name FROM paused_queue")
    isPaused = try prepared("SELECT 1 FROM paused_queue WHERE name = ?1")
    nextQueue = try prepared(
      """
      SELECT queue FROM job INDEXED BY job_queued WHERE state = 1 AND executor = ?1 AND queue > ?2
      ORDER BY queue LIMIT 1
      """)
    firstOfQueue = try prepared(
      """
      SELECT priority, queued_at, seq FROM job INDEXED BY job_queued WHERE state = 1 AND executor = ?1 AND queue = ?2
      ORDER BY priority DESC, queued_at, seq LIMIT ?3
      """)
    runningOfKey = try prepared(
      """
      SELECT count(*) FROM (
        SELECT 1 FROM job INDEXED BY job_running_key WHERE state = 2 AND concurrency_key = ?1 AND seq <> ?2 LIMIT ?3)
      """)
    nextHeldOfKey = try prepared(
      """
      SELECT handler, queue FROM job INDEXED BY job_held
      WHERE state = -1 AND concurrency_key = ?1 AND (handler, queue) > (?2, ?3) ORDER BY handler, queue LIMIT 1
      """)
    heldOfGroup = try prepared(
      """
      SELECT priority, queued_at, seq FROM job INDEXED BY job_held
      WHERE state = -1 AND concurrency_key = ?1 AND handler = ?2 AND queue = ?3
      ORDER BY priority DESC, queued_at, seq LIMIT ?4
      """)
  }

  func pausedQueues() throws(SQLiteFailure) -> Set<String> {
    var names: Set<String> = []
    try paused.forEachRow { row in names.insert(row.text(0)) }
    return names
  }

  func isPaused(_ queue: String) throws(SQLiteFailure) -> Bool {
    isPaused.bind(1, queue)
    return try isPaused.firstRow { _ in true } ?? false
  }

  /// The queue after `name`, in the order of their names, that has jobs in line for the executor.
  func queue(after name: String, _ executor: Executor) throws(SQLiteFailure) -> String? {
    nextQueue.bind(1, executor.code)
    nextQueue.bind(2, name)
    return try nextQueue.firstRow { row in row.text(0) }
  }

  /// The first `limit` places of a queue, while more are wanted.
  func forEachPlace(
    _ executor: Executor, queue: String, limit: Int, _ body: (LinePlace) -> Bool
  ) throws(SQLiteFailure) {
    firstOfQueue.bind(1, executor.code)
    firstOfQueue.bind(2, queue)
    firstOfQueue.bind(3, limit)
    try firstOfQueue.forEachPlace(body)
  }

  /// Whether so many jobs with this key run that no further one of the handler may. The rows that run are counted each
  /// time: a count that is kept could be wrong after a crash.
  ///
  /// - Parameter other: the number of a row that does not count.
  func isFull(_ key: String, limit: Int, besides other: Int64 = 0) throws(SQLiteFailure) -> Bool {
    runningOfKey.bind(1, key)
    runningOfKey.bind(2, other)
    runningOfKey.bind(3, limit)
    return try runningOfKey.firstRow { row in row.int(0) } ?? 0 >= limit
  }

  /// The group of held jobs after another with the same key.
  func heldGroup(after group: KeyGroup) throws(SQLiteFailure) -> KeyGroup? {
    nextHeldOfKey.bind(1, group.key)
    nextHeldOfKey.bind(2, group.handler)
    nextHeldOfKey.bind(3, group.queue)
    return try nextHeldOfKey.firstRow { row in KeyGroup(key: group.key, handler: row.text(0), queue: row.text(1)) }
  }

  /// The first `limit` held jobs of a group, while more are wanted.
  func forEachHeld(_ group: KeyGroup, limit: Int, _ body: (LinePlace) -> Bool) throws(SQLiteFailure) {
    heldOfGroup.bind(1, group.key)
    heldOfGroup.bind(2, group.handler)
    heldOfGroup.bind(3, group.queue)
    heldOfGroup.bind(4, limit)
    try heldOfGroup.forEachPlace(body)
  }
}

/// A place in a line: what orders the jobs in it.
struct LinePlace: Equatable {
  var priority: Int
  /// Microseconds since 1970.
  var queuedAt: Int64
  var seq: Int64

  func isAhead(of other: LinePlace) -> Bool {
    if priority != other.priority { return priority > other.priority }
    return queuedAt != other.queuedAt ? queuedAt < other.queuedAt : seq < other.seq
  }
}

/// Jobs with the same key that may differ in nothing that decides whether one can run: of one handler, in one queue.
struct KeyGroup: Sendable, Equatable {
  var key: String
  var handler: String
  var queue: String

  init(key: String, handler: String, queue: String) {
    self.key = key
    self.handler = handler
    self.queue = queue
  }

  /// `nil` for a job without a key.
  init?(_ job: Job) {
    guard let key = job.concurrencyKey else { return nil }
    self.init(key: key, handler: job.handler, queue: job.queue)
  }

  /// Before all groups of the key.
  init(beforeAllOf key: String) { self.init(key: key, handler: "", queue: "") }
}

extension PreparedStatement {
  /// Rows selected as `priority, queued_at, seq`, while `body` wants more.
  fileprivate func forEachPlace(_ body: (LinePlace) -> Bool) throws(SQLiteFailure) {
    var isWanted = true
    try forEachRow(while: { isWanted }) { row in
      isWanted = body(LinePlace(priority: row.int(0), queuedAt: row.int64(1), seq: row.int64(2)))
    }
  }
}
