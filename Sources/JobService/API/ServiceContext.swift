import JobModel
import JobStore
import Logging

/// What the API must know of the server it belongs to.
struct ServiceContext: Sendable {
  struct Limits: Sendable {
    /// Jobs that may wait in line.
    var queued: Int
    /// Of a JSON document, which is held in memory.
    var jsonBodyBytes: Int
    /// Of a body that is streamed to disk.
    var bodyBytes: Int
    /// The longest wait that is granted.
    var waitSeconds: Int
    /// The largest input that stands in a job's row.
    var inlineInputBytes = 64 * 1024
  }

  /// A process as `/v1/processes` shows it.
  struct SeatView: Sendable {
    var index: Int
    var pid: Int32
    var state: String
    var generation: Int
    var restarts: Int
    var startedAt: Timestamp
  }

  var version: String
  var node: String
  var startedAt: Timestamp
  var masterPID: Int32
  var limits: Limits
  var spool: SpoolFolder
  var disk: BlockingThread
  /// The seats that are not empty.
  var seats: @Sendable () -> [SeatView]
  /// Each request gets a line in the log.
  var logsRequests: Bool
  var log: Logger

  /// Removes spool files that no job refers to any more. A failure leaves a file that the next start sweeps.
  func discard(_ files: [String]) {
    if files.isEmpty { return }
    let (spool, log) = (spool, log)
    Task {
      do {
        try await disk.run { for name in files { try spool.remove(name) } }
      } catch {
        log.warning("a spool file cannot be removed", metadata: ["error": "\(error)"])
      }
    }
  }
}
