import JobModel
import JobStore
import StrictJSON

/// Why a job is where it is.
struct Explanation: Sendable, Equatable {
  enum Reason: String, Sendable, CaseIterable {
    case notDue = "not_due"
    case queuePaused = "queue_paused"
    case keyLimit = "key_limit"
    case noFreeWorker = "no_free_worker"
    case running, finished
  }

  /// How fast the jobs of an executor go, over all acceptors.
  struct Pace: Sendable, Equatable {
    /// How many run at once.
    var slots: Int
    /// How long the last ones took; `nil`: none has ended yet.
    var run: Duration?
  }

  var state: JobState
  var reason: Reason
  /// 1 is next.
  var position: Int?
  var detail: String
  var estimatedStartAt: Timestamp?

  /// - Parameter place: of a job in line; `nil` where it has none, or left it a moment ago.
  init(_ job: Job, _ place: PlaceInLine?, _ pace: Pace, now: Timestamp) {
    state = job.state
    switch job.state {
    case .succeeded, .failed, .cancelled:
      reason = .finished
      detail = "the job \(job.state == .cancelled ? "was cancelled" : job.state.rawValue)"
    case .running:
      reason = .running
      detail = job.cancelRequested ? "the job is being stopped" : "the job runs"
    case .scheduled:
      reason = .notDue
      let due = job.scheduledAt ?? job.createdAt
      detail = "it is due at \(RFC3339.text(due))"
      estimatedStartAt = due
    case .queued:
      position = place?.ahead.map { $0 + 1 }
      switch place?.obstacle {
      case .queuePaused:
        reason = .queuePaused
        detail = "the queue '\(job.queue)' is paused" + Self.beyond(place)
      case .keyLimit(let limit):
        reason = .keyLimit
        detail =
          "no more than \(limit) \(limit == 1 ? "job" : "jobs") with its key may run at once" + Self.beyond(place)
      case .noFreeWorker, nil:
        reason = .noFreeWorker
        (detail, estimatedStartAt) = Self.inLine(place, pace, job.executor, now)
      }
    }
  }

  private static func inLine(
    _ place: PlaceInLine?, _ pace: Pace, _ executor: Executor, _ now: Timestamp
  ) -> (String, Timestamp?) {
    guard pace.slots > 0 else {
      return ("the server has nothing that runs jobs of the executor '\(executor.rawValue)'", nil)
    }
    let detail = "the places that run jobs of the executor '\(executor.rawValue)', \(pace.slots) in all, are taken"
    guard let ahead = place?.ahead, let run = pace.run else { return (detail + beyond(place), nil) }
    // The places come free one after the other, a run's time divided by their number apart.
    return (detail, now.advanced(by: run * (Double(ahead + 1) / Double(pace.slots))))
  }

  private static func beyond(_ place: PlaceInLine?) -> String {
    place != nil && place?.ahead == nil ? "; more than \(API.explainedPlaces) jobs are ahead" : ""
  }

  var document: [UInt8] {
    var writer = JSONWriter()
    writer.beginObject()
    writer.field("state", state.rawValue)
    writer.field("reason", reason.rawValue)
    writer.field("position", position)
    writer.field("detail", detail)
    writer.field("estimated_start_at", estimatedStartAt)
    writer.endObject()
    return writer.bytes
  }
}
