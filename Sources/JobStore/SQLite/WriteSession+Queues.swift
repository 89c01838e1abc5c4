// Queues are paused and resumed.

import JobModel

extension WriteSession {
  /// False: too many are paused already.
  func setPaused(_ isPaused: Bool, queue: String, now: Timestamp) throws(SQLiteFailure) -> Bool {
    if isPaused {
      let paused = try line.pausedQueues()
      if paused.contains(queue) { return true }
      if paused.count >= SQLiteJobStore.pausedQueueLimit { return false }
      pause.bind(1, queue)
      pause.bind(2, now.microseconds)
      try pause.run()
    } else {
      resume.bind(1, queue)
      try resume.run()
    }
    return true
  }
}
