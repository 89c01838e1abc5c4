import Glibc
import JobModel
import JobStore

/// Submits from several tasks at once until it is killed, and says each job's id once the store has acknowledged it.
struct Acknowledging {
  let store: SQLiteJobStore

  func run() async throws {
    let maker = JobMaker(key: store.idKey)
    let store = store
    try await withThrowingTaskGroup { group in
      for _ in 0..<16 {
        group.addTask {
          while true {
            let job = maker.queued()
            try await store.submit(job)
            // One write a line, so that a reader never sees half of one, and nothing waits in a buffer of ours.
            let line = Array("\(job.id)\n".utf8)
            if write(STDOUT_FILENO, line, line.count) != line.count { return }
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
