import Foundation
import JobModel

/// What the commands show or need of a job; what else the server says is left alone.
struct JobView: Decodable, Equatable {
  struct Progress: Decodable, Equatable {
    var completed: Int
    var total: Int?
    var message: String?
  }
  struct Failure: Decodable, Equatable {
    var type: String
    var message: String
    var signal: String?
  }
  var id: String
  var handler: String
  var state: String
  var done: Bool
  var queue: String?
  var priority: Int?
  var attempt: Int?
  var maxAttempts: Int?
  var progress: Progress?
  var error: Failure?
  var resultType: String?
  var resultBytes: Int?
  var createdAt: String?
  var scheduledAt: String?
  var startedAt: String?
  var finishedAt: String?

  enum CodingKeys: String, CodingKey {
    case id, handler, state, done, queue, priority, attempt, progress, error
    case maxAttempts = "max_attempts"
    case resultType = "result_type"
    case resultBytes = "result_bytes"
    case createdAt = "created_at"
    case scheduledAt = "scheduled_at"
    case startedAt = "started_at"
    case finishedAt = "finished_at"
  }

  static func decoded(_ body: [UInt8]) throws(ClientError) -> JobView { try decodeReply(JobView.self, body) }

  /// What a command that waited for this job ends with.
  var exitStatus: ExitStatus {
    switch JobState(rawValue: state) {
    case .succeeded: .success
    case .failed: .jobFailed
    case .cancelled: .jobCancelled
    // A state of a later server: `done` is all that is known of it.
    case .scheduled, .queued, .running, nil: done ? .other : .stillRunning
    }
  }

  var progressText: String {
    guard let progress else { return "" }
    return progress.total.map { "\(progress.completed)/\($0)" } ?? "\(progress.completed)"
  }

  /// `failed: crashed (SIGSEGV): the worker died`
  var endText: String {
    guard let error else { return state }
    let signal = error.signal.map { " (\($0))" } ?? ""
    return "\(state): \(error.type)\(signal): \(error.message)"
  }

  /// Names and values, for people.
  var fields: [(String, String)] {
    let all: [(String, String?)] = [
      ("id", id), ("handler", handler), ("state", state), ("queue", queue), ("priority", priority.map(String.init)),
      ("attempt", attempt.map { attempt in maxAttempts.map { "\(attempt) of \($0)" } ?? "\(attempt)" }),
      ("progress", progress == nil ? nil : progressText), ("message", progress?.message),
      ("error", error.map { _ in endText }), ("created", createdAt), ("scheduled", scheduledAt),
      ("started", startedAt), ("finished", finishedAt),
      ("result", resultType.map { type in resultBytes.map { "\(type), \($0) bytes" } ?? type }),
    ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }
}

/// A reply's JSON as a value, or the complaint that the server said something else.
func decodeReply<Value: Decodable>(_ type: Value.Type, _ body: [UInt8]) throws(ClientError) -> Value {
  do { return try JSONDecoder().decode(type, from: Data(body)) } catch {
    throw .unexpected("the server's answer is not what was expected; is it Millrace? (\(type))")
  }
}
