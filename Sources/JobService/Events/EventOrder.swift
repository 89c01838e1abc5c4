import JobModel

/// Tells which events are news. Each acceptor posts an event a moment after its commit, and meanwhile another one may have
/// committed, and posted, the job's next step: `running` before `queued`. What comes too late is no news to anybody who was
/// told of the later state; a job's revision, which rises with each of its changes, tells.
struct EventOrder {
  private var recent: [JobID: Int] = [:]
  private var earlier: [JobID: Int] = [:]

  /// Jobs that are remembered at least: far more than change within such a moment.
  static let capacity = 512

  /// - Parameter event: the next one, in the order in which they were posted.
  mutating func isNews(_ event: JobEvent) -> Bool {
    guard case .state = event.what else { return true }
    if let told = recent[event.id] ?? earlier[event.id], event.revision < told { return false }
    if recent.count >= Self.capacity {
      earlier = recent
      recent = [:]
    }
    recent[event.id] = event.revision
    return true
  }
}
