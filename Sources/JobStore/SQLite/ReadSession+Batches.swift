// The verbs that read batches.

import GRDB
import JobModel

/// The statements of these verbs.
final class BatchReading {
  let byID: PreparedStatement
  let newest: PreparedStatement
  let completed: PreparedStatement
  let submitted: PreparedStatement
  let ends: PreparedStatement
  let waitingInputs: PreparedStatement

  init(_ database: Database) throws {
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    byID = try prepared("SELECT \(BatchRow.columns) FROM batch WHERE id = ?1")
    newest = try prepared("SELECT \(BatchRow.columns) FROM batch WHERE id < ?1 ORDER BY id DESC LIMIT ?2")
    let results = "SELECT \(BatchResultRow.columns) FROM job"
    completed = try prepared(
      "\(results) INDEXED BY job_batch_end WHERE batch = ?1 AND batch_end > ?2 ORDER BY batch_end LIMIT ?3")
    submitted = try prepared(
      "\(results) INDEXED BY job_batch WHERE batch = ?1 AND batch_index > ?2 ORDER BY batch_index LIMIT ?3")
    ends = try prepared(
      """
      SELECT id FROM job INDEXED BY job_batch WHERE batch = ?1
        AND (batch_index = (SELECT min(batch_index) FROM job INDEXED BY job_batch WHERE batch = ?1)
          OR batch_index = (SELECT max(batch_index) FROM job INDEXED BY job_batch WHERE batch = ?1))
      """)
    waitingInputs = try prepared(
      "SELECT executor, total - filled, input_file FROM batch WHERE filled < total OR cancel_next < cancel_end")
  }
}

extension ReadSession {
  func batch(_ id: JobID) throws(SQLiteFailure) -> Batch? {
    batches.byID.bind(1, id)
    return try batches.byID.firstRow { row throws(SQLiteFailure) in try row.batch() }
  }

  func batches(before: JobID?, limit: Int) throws(SQLiteFailure) -> [Batch] {
    var found: [Batch] = []
    batches.newest.bind(1, before ?? JobID(high: .max, low: .max))
    batches.newest.bind(2, limit)
    try batches.newest.forEachRow { row throws(SQLiteFailure) in found.append(try row.batch()) }
    return found
  }

  /// What the results of a page may take together; the page ends with the one that passes it.
  static let resultPageBytes = 128 * 1024
  static let resultPageLimit = 500

  func batchResults(
    _ id: JobID, _ order: BatchOrder, after cursor: Int
  ) throws(SQLiteFailure) -> BatchResultPage? {
    guard let batch = try batch(id) else { return nil }
    let walk =
      switch order {
      case .completed: batches.completed
      case .submitted: batches.submitted
      }
    walk.bind(1, id)
    walk.bind(2, cursor)
    walk.bind(3, Self.resultPageLimit)
    var page = BatchResultPage(results: [], hasMore: false, isDone: batch.isDone)
    var bytes = 0
    var isHeldBack = false
    try walk.forEachRow(while: { bytes < Self.resultPageBytes && !isHeldBack }) { row throws(SQLiteFailure) in
      guard let result = try row.batchResult(order) else {
        isHeldBack = true
        return
      }
      bytes += result.heldBytes
      page.results.append(result)
    }
    page.hasMore = !isHeldBack && (page.results.count == Self.resultPageLimit || bytes >= Self.resultPageBytes)
    return page
  }

  /// Inputs that are no rows yet, by the executor they will wait for, and the files they stand in.
  func waitingInputs() throws(SQLiteFailure) -> (counts: [Executor: Int], files: [String]) {
    var counts: [Executor: Int] = [:]
    var files: [String] = []
    try batches.waitingInputs.forEachRow { row throws(SQLiteFailure) in
      counts[try .ofCode(row.int64(0)), default: 0] += row.int(1)
      if let file = row.optionalText(2) { files.append(file) }
    }
    return (counts, files)
  }

  /// The ids of a batch's first and last job. Its jobs were made one after the other, so theirs lie between, and few others.
  func idRange(ofBatch id: JobID) throws(SQLiteFailure) -> ClosedRange<JobID>? {
    var ids: [JobID] = []
    batches.ends.bind(1, id)
    try batches.ends.forEachRow { row throws(SQLiteFailure) in ids.append(try row.jobID(0)) }
    guard let first = ids.min(), let last = ids.max() else { return nil }
    return first...last
  }
}

/// The part of a job's row that a line of results is made of.
private enum BatchResultRow {
  static let columns = """
    batch_index, id, state, batch_end, result_type, result_bytes, result_file, error_kind, error_message, error_signal,
    error_exit_status, error_attempt, result_body, error_backtrace
    """
}

extension PreparedStatement {
  /// `nil` for a job that has not ended.
  fileprivate func batchResult(_ order: BatchOrder) throws(SQLiteFailure) -> BatchResult? {
    let state = try JobState.ofCode(int64(2))
    guard state.isFinal else { return nil }
    let result = optionalText(4).map { mediaType in
      JobResult(
        mediaType: mediaType, byteCount: int(5),
        body: optionalText(6).map { .file(name: $0) } ?? .bytes(bytes(12)))
    }
    var error: JobError?
    if let word = optionalText(7) {
      guard let kind = JobError.Kind(rawValue: word) else { throw .damaged("a job's error is of kind \(word)") }
      error = JobError(
        kind, text(8), attempt: int(11), signal: optionalText(9), exitStatus: optionalInt(10),
        backtrace: optionalText(13))
    }
    return BatchResult(
      index: int(0), id: try jobID(1), state: state, result: result, error: error,
      cursor: order == .completed ? int(3) : int(0))
  }
}

extension BatchResult {
  /// About what it takes in memory.
  fileprivate var heldBytes: Int {
    var bytes = 256 + (error?.message.utf8.count ?? 0) + (error?.backtrace?.utf8.count ?? 0)
    if case .bytes(let body)? = result?.body { bytes += body.count }
    return bytes
  }
}
