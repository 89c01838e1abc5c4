import EventLoop
import JobModel

/// Requests to stop jobs that are not here. One may be on its way: its claim is committed, but this thread has not been told of
/// it, while the commit of the request, or another acceptor's notice of it, overtook. So they are remembered for a while,
/// and whoever comes is looked up. Pure.
struct EarlyStops {
  /// When each was asked for, on the monotonic clock.
  private var asked: [JobID: UInt64] = [:]
  /// When requests were last forgotten, or never heard of: any job may be meant.
  private var missed: UInt64?

  /// A committed claim is told to its thread long before; what is older is of another time.
  static let patience = Duration.seconds(30)
  static let limit = 1000

  mutating func ask(_ id: JobID, now: UInt64) {
    if asked.count >= Self.limit { asked = asked.filter { isRecent($0.value, now) } }
    if asked.count >= Self.limit {
      asked = [:]
      missed = now
    }
    asked[id] = now
  }

  /// Some were asked for, and nobody knows which.
  mutating func miss(now: UInt64) { missed = now }

  /// A job comes: whether it may be one of those.
  mutating func mayConcern(_ id: JobID, now: UInt64) -> Bool {
    if let since = asked.removeValue(forKey: id), isRecent(since, now) { return true }
    return missed.map { isRecent($0, now) } ?? false
  }

  private func isRecent(_ then: UInt64, _ now: UInt64) -> Bool {
    now &- then < Self.patience.nanosecondsClamped
  }
}
