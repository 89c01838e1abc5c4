// What readers ask about queues and places in line.

import GRDB
import JobModel

/// The counts by queue. Belongs to a reader thread.
struct QueueStatements {
  /// `queue, count, oldest` of all queues, by what their jobs are in.
  let queued: PreparedStatement
  let held: PreparedStatement
  let scheduled: PreparedStatement
  let running: PreparedStatement
  let place: PreparedStatement

  init(_ database: Database) throws {
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    func counted(_ index: String, _ state: Int, oldest: String) throws -> PreparedStatement {
      try prepared(
        "SELECT queue, count(*), \(oldest) FROM job INDEXED BY \(index) WHERE state = \(state) GROUP BY queue")
    }
    queued = try counted("job_queued", 1, oldest: "min(queued_at)")
    held = try counted("job_held", -1, oldest: "min(queued_at)")
    scheduled = try counted("job_scheduled", 0, oldest: "NULL")
    running = try counted("job_running", 2, oldest: "NULL")
    place = try prepared(
      """
      SELECT state, executor, queue, handler, concurrency_key, priority, queued_at, seq FROM job WHERE id = ?1
      """)
  }
}

extension ReadSession {
  func queueStatuses() throws(SQLiteFailure) -> [QueueStatus] {
    var found: [String: QueueStatus] = ["default": QueueStatus(name: "default")]
    for name in try line.pausedQueues() { found[name, default: QueueStatus(name: name)].isPaused = true }
    func count(
      _ statement: PreparedStatement, into count: WritableKeyPath<QueueStatus, Int>
    ) throws(SQLiteFailure) {
      try statement.forEachRow { row in
        let name = row.text(0)
        var queue = found[name] ?? QueueStatus(name: name)
        queue[keyPath: count] += row.int(1)
        if let oldest = row.optionalInt64(2).map(Timestamp.init(microseconds:)) {
          queue.oldestQueuedAt = min(queue.oldestQueuedAt ?? oldest, oldest)
        }
        found[name] = queue
      }
    }
    try count(queues.queued, into: \.queued)
    try count(queues.held, into: \.queued)
    try count(queues.scheduled, into: \.scheduled)
    try count(queues.running, into: \.running)
    return found.values.sorted { $0.name < $1.name }
  }

  func isPaused(_ queue: String) throws(SQLiteFailure) -> Bool { try line.isPaused(queue) }

  /// Looks at no more than `limit` jobs.
  func placeInLine(_ id: JobID, limit: Int) throws(SQLiteFailure) -> PlaceInLine? {
    queues.place.bind(1, id)
    let found = try queues.place.firstRow { row throws(SQLiteFailure) in
      (
        state: try JobState.ofCode(row.int64(0)), isHeld: row.int(0) == JobState.heldCode,
        executor: try Executor.ofCode(row.int64(1)), queue: row.text(2), handler: row.text(3),
        key: row.optionalText(4), place: LinePlace(priority: row.int(5), queuedAt: row.int64(6), seq: row.int64(7))
      )
    }
    guard let job = found, job.state == .queued else { return nil }
    var ahead = PlacesAhead(of: job.place, limit: limit)
    if try line.isPaused(job.queue) {
      try line.forEachPlace(job.executor, queue: job.queue, limit: limit) { ahead.visit($0) }
      return PlaceInLine(obstacle: .queuePaused, ahead: ahead.count)
    }
    if let key = job.key, let keyLimit = keyLimits[job.handler] {
      var isBlocked = job.isHeld
      if !isBlocked { isBlocked = try line.isFull(key, limit: keyLimit) }
      if isBlocked { return PlaceInLine(obstacle: .keyLimit(keyLimit), ahead: try heldAhead(&ahead, key, limit)) }
    }
    let paused = try line.pausedQueues()
    var name = ""
    while !ahead.isOverLimit, let queue = try line.queue(after: name, job.executor) {
      if !paused.contains(queue) {
        try line.forEachPlace(job.executor, queue: queue, limit: limit) { ahead.visit($0) }
      }
      name = queue
    }
    return PlaceInLine(obstacle: .noFreeWorker, ahead: ahead.count)
  }

  private func heldAhead(_ ahead: inout PlacesAhead, _ key: String, _ limit: Int) throws(SQLiteFailure) -> Int? {
    var group = KeyGroup(beforeAllOf: key)
    while !ahead.isOverLimit, let next = try line.heldGroup(after: group) {
      try line.forEachHeld(next, limit: limit) { ahead.visit($0) }
      group = next
    }
    return ahead.count
  }
}

/// Counts the places ahead of one, until it has looked at too many.
private struct PlacesAhead {
  private let own: LinePlace
  private let limit: Int
  private var ahead = 0
  private var visited = 0

  init(of own: LinePlace, limit: Int) {
    self.own = own
    self.limit = limit
  }

  var isOverLimit: Bool { visited > limit }
  var count: Int? { isOverLimit ? nil : ahead }

  /// False: nobody after this place in its line is of interest.
  mutating func visit(_ place: LinePlace) -> Bool {
    visited += 1
    guard !isOverLimit, place.isAhead(of: own) else { return false }
    ahead += 1
    return true
  }
}
