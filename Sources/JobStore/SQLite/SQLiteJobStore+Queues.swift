// Where the verbs about queues and remembered requests go.

import JobModel

extension SQLiteJobStore {
  public func setPaused(
    _ isPaused: Bool, queue name: String, now: Timestamp
  ) async throws(StoreError) -> PauseDecision {
    let isDone = try await writer.write("pause") { (session) throws(SQLiteFailure) in
      try session.setPaused(isPaused, queue: name, now: now)
    }
    return isDone ? .done(try await queue(name)) : .tooMany
  }

  public func pausedQueues() async throws(StoreError) -> Set<String> {
    try await lookups.read("read queues") { (session) throws(SQLiteFailure) in try session.line.pausedQueues() }
  }

  public func queues() async throws(StoreError) -> [QueueStatus] {
    try await lists.read("count queues") { (session) throws(SQLiteFailure) in try session.queueStatuses() }
  }

  public func queue(_ name: String) async throws(StoreError) -> QueueStatus {
    try await queues().first { $0.name == name } ?? QueueStatus(name: name)
  }

  /// Looks as a writer, in small steps: it is asked for seldom, and there are few such jobs.
  public func releaseHeld() async throws(StoreError) -> Set<Executor> {
    var released: Set<Executor> = []
    var last: KeyGroup?
    repeat {
      let start = last
      let sweep = try await writer.write("release") { (session) throws(SQLiteFailure) in
        try session.releaseHeld(after: start, limit: Self.step)
      }
      released.formUnion(sweep.released)
      last = sweep.next
    } while last != nil
    return released
  }

  public func placeInLine(_ id: JobID, limit: Int) async throws(StoreError) -> PlaceInLine? {
    try await lists.read("find place") { (session) throws(SQLiteFailure) in
      try session.placeInLine(id, limit: limit)
    }
  }

  // MARK: - Remembered requests

  public func endHandling(scope: String, key: String) async throws(StoreError) {
    try await writer.write("end handling") { (session) throws(SQLiteFailure) in
      try session.endHandling(scope: scope, key: key)
    }
  }

  public func forgetRequests(now: Timestamp, limit: Int) async throws(StoreError) -> Int {
    try await writer.write("forget requests") { (session) throws(SQLiteFailure) in
      try session.forgetRequests(now: now, limit: limit)
    }
  }
}
