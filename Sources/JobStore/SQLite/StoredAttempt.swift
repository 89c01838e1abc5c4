import FoundationEssentials
import JobModel

/// The attempts that others followed, as the JSON text of one column: an array, oldest first. It is written only when an
/// attempt is followed by another, so its cost is not on the path of most jobs.
struct StoredAttempt: Codable {
  var attempt: Int
  /// Microseconds since 1970.
  var startedAt: Int64?
  var finishedAt: Int64?
  var runBy: StoredRunBy?
  var usage: StoredUsage?
  var error: StoredError?

  struct StoredRunBy: Codable {
    var node: String
    var acceptor: Int
    var pid: Int32
  }

  /// Durations in microseconds.
  struct StoredUsage: Codable {
    var queued: Int64
    var wall: Int64
    var cpu: Int64?
    var maxResidentBytes: Int?
  }

  struct StoredError: Codable {
    var kind: String
    var message: String
    var signal: String?
    var exitStatus: Int?
    var backtrace: String?
    var attempt: Int
  }

  static func encode(_ attempts: [PastAttempt]) throws(SQLiteFailure) -> [UInt8] {
    do {
      return Array(try JSONEncoder().encode(attempts.map(StoredAttempt.init)))
    } catch {
      throw .damaged("a job's past attempts cannot be written: \(error)")
    }
  }

  static func decode(_ bytes: [UInt8]) throws(SQLiteFailure) -> [PastAttempt] {
    do {
      return try JSONDecoder().decode([StoredAttempt].self, from: Data(bytes)).map { try $0.pastAttempt() }
    } catch {
      throw .damaged("a job's past attempts cannot be read: \(error)")
    }
  }
}

extension StoredAttempt {
  init(_ past: PastAttempt) {
    attempt = past.attempt
    startedAt = past.startedAt?.microseconds
    finishedAt = past.finishedAt?.microseconds
    runBy = past.runBy.map { StoredRunBy(node: $0.node, acceptor: $0.acceptor, pid: $0.pid) }
    usage = past.usage.map {
      StoredUsage(
        queued: $0.queued.microsecondsClamped, wall: $0.wall.microsecondsClamped,
        cpu: $0.cpu?.microsecondsClamped, maxResidentBytes: $0.maxResidentBytes)
    }
    error = past.error.map {
      StoredError(
        kind: $0.kind.rawValue, message: $0.message, signal: $0.signal, exitStatus: $0.exitStatus,
        backtrace: $0.backtrace, attempt: $0.attempt)
    }
  }

  func pastAttempt() throws -> PastAttempt {
    PastAttempt(
      attempt: attempt, startedAt: startedAt.map { Timestamp(microseconds: $0) },
      finishedAt: finishedAt.map { Timestamp(microseconds: $0) },
      runBy: runBy.map { RunBy(node: $0.node, acceptor: $0.acceptor, pid: $0.pid) },
      usage: usage.map {
        JobUsage(
          queued: .microseconds($0.queued), wall: .microseconds($0.wall), cpu: $0.cpu.map { .microseconds($0) },
          maxResidentBytes: $0.maxResidentBytes)
      },
      error: try error?.jobError())
  }
}

extension StoredAttempt.StoredError {
  func jobError() throws -> JobError {
    guard let kind = JobError.Kind(rawValue: kind) else { throw SQLiteFailure.damaged("error of kind \(kind)") }
    return JobError(
      kind, message, attempt: attempt, signal: signal, exitStatus: exitStatus, backtrace: backtrace)
  }
}
