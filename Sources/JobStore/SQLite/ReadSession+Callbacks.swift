import GRDB
import JobModel

/// The statements that read callbacks.
struct CallbackQueries {
  let ofJob: PreparedStatement
  let nextDue: PreparedStatement

  init(_ database: Database) throws {
    ofJob = try PreparedStatement(
      database,
      """
      SELECT \(PreparedStatement.deliveryColumns) FROM callback WHERE job_seq = (SELECT seq FROM job WHERE id = ?1)
      """)
    nextDue = try PreparedStatement(
      database, "SELECT min(due_at) FROM callback INDEXED BY callback_due WHERE state = 0")
  }
}

extension ReadSession {
  /// The job with what became of its callback, where it has ended and has one.
  func withCallback(_ job: Job) throws(SQLiteFailure) -> Job {
    guard job.callbackURL != nil, job.state.isFinal else { return job }
    var job = job
    callbacks.ofJob.bind(1, job.id)
    job.callback = try callbacks.ofJob.firstRow { row throws(SQLiteFailure) in try row.delivery() } ?? nil
    return job
  }

  func nextCallbackDue() throws(SQLiteFailure) -> Timestamp? {
    let microseconds = try callbacks.nextDue.firstRow { row in row.optionalInt64(0) } ?? nil
    return microseconds.map { Timestamp(microseconds: $0) }
  }
}
