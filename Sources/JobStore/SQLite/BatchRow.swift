// How a batch stands in its row, and what its jobs share in the column beside it.

import FoundationEssentials
import JobModel

enum BatchRow {
  /// As ``PreparedStatement/batch()`` reads them.
  static let columns = """
    id, total, chunk_size, scheduled, queued, running, succeeded, failed, cancelled, finished_at, cancel_requested, owner,
    filled, input_offset, input_file, cancel_next, cancel_end, (SELECT job FROM batch_prototype WHERE batch = id), ends
    """

  static let insert = """
    INSERT INTO batch (
      id, total, chunk_size, scheduled, queued, running, succeeded, failed, cancelled, cancel_requested, owner, executor,
      filled, input_offset, input_file, cancel_next, cancel_end)
    VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, ?6, ?7, 0, 0, ?8, 0, 0)
    """
}

extension PreparedStatement {
  /// For ``BatchRow/insert``.
  func bind(_ batch: Batch) {
    bind(1, batch.id)
    bind(2, batch.total)
    bind(3, batch.chunkSize)
    bind(4, batch.counts.scheduled)
    bind(5, batch.counts.queued)
    bind(6, batch.owner.number)
    bind(7, batch.prototype.executor.code)
    bind(8, batch.inputFile)
  }

  /// A row selected as ``BatchRow/columns``.
  func batch() throws(SQLiteFailure) -> Batch {
    let id = try jobID(0)
    let prototype = try StoredPrototype.decode(bytes(17), id: id)
    var batch = Batch(
      id: id, total: int(1), chunkSize: int(2), prototype: prototype, inputFile: "", owner: OwnerID(number: int64(11)))
    batch.inputFile = optionalText(14)
    for (column, state) in [JobState.scheduled, .queued, .running, .succeeded, .failed, .cancelled].enumerated() {
      batch.counts[state] = int(Int32(3 + column))
    }
    batch.finishedAt = optionalInt64(9).map { Timestamp(microseconds: $0) }
    batch.cancelRequested = int(10) != 0
    batch.filled = int(12)
    batch.inputOffset = int(13)
    let (next, end) = (int(15), int(16))
    guard next <= end else { throw .damaged("a batch cancels from \(next) to \(end)") }
    batch.toCancel = next..<end
    batch.ends = int(18)
    return batch
  }
}

/// What the jobs of a batch share, as the JSON text of one column. It is written once a batch.
struct StoredPrototype: Codable {
  var handler: String
  var queue: String
  var executor: Int64
  var state: Int64
  var priority: Int
  var maxAttempts: Int
  /// Microseconds, as the moments are since 1970.
  var timeout: Int64?
  /// JSON text of its own, as it was sent.
  var metadata: String
  var concurrencyKey: String?
  var callbackURL: String?
  var traceParent: String?
  var createdAt: Int64
  var scheduledAt: Int64?

  static func encode(_ job: Job) throws(SQLiteFailure) -> [UInt8] {
    let stored = StoredPrototype(
      handler: job.handler, queue: job.queue, executor: Int64(job.executor.code), state: Int64(job.state.code),
      priority: job.priority, maxAttempts: job.maxAttempts, timeout: job.timeout?.microsecondsClamped,
      metadata: String(decoding: job.metadata, as: UTF8.self), concurrencyKey: job.concurrencyKey,
      callbackURL: job.callbackURL, traceParent: job.trace?.text, createdAt: job.createdAt.microseconds,
      scheduledAt: job.scheduledAt?.microseconds)
    do {
      return Array(try JSONEncoder().encode(stored))
    } catch {
      throw .damaged("what a batch's jobs share cannot be written: \(error)")
    }
  }

  static func decode(_ bytes: [UInt8], id: JobID) throws(SQLiteFailure) -> Job {
    let stored: StoredPrototype
    do {
      stored = try JSONDecoder().decode(StoredPrototype.self, from: Data(bytes))
    } catch {
      throw .damaged("what a batch's jobs share cannot be read: \(error)")
    }
    var job = Job(
      id: id, handler: stored.handler, queue: stored.queue, executor: try .ofCode(stored.executor),
      state: try .ofCode(stored.state), priority: stored.priority, input: .json(Array("{}".utf8)),
      maxAttempts: stored.maxAttempts, timeout: stored.timeout.map { .microseconds($0) },
      metadata: Array(stored.metadata.utf8), createdAt: Timestamp(microseconds: stored.createdAt),
      scheduledAt: stored.scheduledAt.map { Timestamp(microseconds: $0) })
    job.concurrencyKey = stored.concurrencyKey
    job.callbackURL = stored.callbackURL
    job.trace = stored.traceParent.flatMap(TraceContext.init(text:))
    return job
  }
}
