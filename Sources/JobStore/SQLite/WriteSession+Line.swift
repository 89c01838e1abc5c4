// The line: who is claimed next, and who is held out of it because enough jobs with the same key run.
//
//   submitted, due, retried, lost ──▶ queued (1) ──claimed──▶ running (2) ──▶ ended
//                                      │      ▲                  │
//            its key has no room left  ▼      │  one of its key ends
//                                     held (-1)
//
// What is kept true, in every commit: a group of held jobs (one key, handler and queue) has as many jobs running as its key
// may have, or at least one of the group is in line. So nobody is forgotten, and since a claim counts what runs before it
// takes a job with a key, it never matters if too many of them are in line.

import GRDBSQLite
import JobModel

extension WriteSession {
  /// Lines that one claim compares at least. With more queues than that it goes on with the others the next time.
  static let comparedQueues = 256
  /// Groups of a key that are told at once when one of its jobs ends. The rest are found by ``releaseHeld(after:limit:)``.
  static let toldGroups = 100

  func claim(_ request: ClaimRequest) throws(SQLiteFailure) -> [Job] {
    // A negative LIMIT would mean none to SQLite.
    guard request.limit > 0 else { return [] }
    let paused = try line.pausedQueues()
    var places = try firstInLine(request.executor, request.limit, paused)
    if places.isEmpty { return [] }
    return try atomically { () throws(SQLiteFailure) in
      var claimed: [Job] = []
      claimed.reserveCapacity(places.count)
      // Every turn takes its places out of the line, by claiming or by holding them. Where they were fewer than asked for,
      // others may still have come into it: those that were held, and whose turn it is.
      while !places.isEmpty {
        var hasKeys = false
        for place in places {
          let job = try claim(place, request)
          if let job { claimed.append(job) }
          if job?.concurrencyKey != nil || job == nil { hasKeys = true }
        }
        let missing = request.limit - claimed.count
        if missing == 0 || !hasKeys { break }
        places = try firstInLine(request.executor, missing, paused)
      }
      return claimed
    }
  }

  /// `nil`: its key has no room, and it is held.
  private func claim(_ place: LinePlace, _ request: ClaimRequest) throws(SQLiteFailure) -> Job? {
    jobBySeq.bind(1, place.seq)
    let found = try jobBySeq.firstRow { row throws(SQLiteFailure) in try row.stored() }
    guard let waiting = found else { throw .damaged("the line names a job that is not there") }
    if let group = KeyGroup(waiting.job), try isFull(group) {
      hold.bind(1, place.seq)
      try hold.run()
      return nil
    }
    let job = waiting.job.claimed(by: request.owner, runBy: request.runBy, now: request.now)
    if PlainRun.canClaim(waiting.job) {
      try plainRun.claim(job, seq: place.seq)
    } else {
      try write(Stored(seq: place.seq, job: job))
    }
    if let group = KeyGroup(job), try !isFull(group) { try releaseFirst(of: group) }
    return job
  }

  /// The first places of all lines of an executor, in order.
  private func firstInLine(
    _ executor: Executor, _ limit: Int, _ paused: Set<String>
  ) throws(SQLiteFailure) -> [LinePlace] {
    var best: [LinePlace] = []
    let start = comparedUpTo[executor]
    comparedUpTo[executor] = nil
    var name = start ?? ""
    var hasTurned = start == nil
    var compared = 0
    while true {
      guard let queue = try line.queue(after: name, executor) else {
        if hasTurned { break }
        (name, hasTurned) = ("", true)
        continue
      }
      if let start, hasTurned, Self.isBefore(start, queue) { break }
      name = queue
      if paused.contains(queue) { continue }
      try line.forEachPlace(executor, queue: queue, limit: limit) { place in
        if best.count == limit {
          guard place.isAhead(of: best[limit - 1]) else { return false }
          best.removeLast()
        }
        best.insert(place, at: best.lastIndex { $0.isAhead(of: place) }.map { $0 + 1 } ?? 0)
        return true
      }
      compared += 1
      if compared >= Self.comparedQueues, best.count == limit {
        comparedUpTo[executor] = queue
        break
      }
    }
    return best
  }

  /// As SQLite orders text: by its bytes.
  private static func isBefore(_ one: String, _ other: String) -> Bool {
    one.utf8.lexicographicallyPrecedes(other.utf8)
  }

  // MARK: - Keys

  private func isFull(_ group: KeyGroup) throws(SQLiteFailure) -> Bool {
    guard let limit = keyLimits[group.handler] else { return false }
    return try line.isFull(group.key, limit: limit)
  }

  /// Whether a job that enters the line is held: its key has no room, or its group has in line already, of its priority
  /// or higher, as many as may ever run.
  ///
  /// - Parameter seq: its row, which may still say that it runs.
  func mustHold(_ job: Job, seq: Int64) throws(SQLiteFailure) -> Bool {
    guard let group = KeyGroup(job), let limit = keyLimits[job.handler] else { return false }
    if try line.isFull(group.key, limit: limit, besides: seq) { return true }
    queuedOfGroup.bind(1, group.key)
    queuedOfGroup.bind(2, group.handler)
    queuedOfGroup.bind(3, group.queue)
    queuedOfGroup.bind(4, job.priority)
    queuedOfGroup.bind(5, limit)
    return try queuedOfGroup.firstRow { row in row.int(0) } ?? 0 >= limit
  }

  /// A job with this key no longer runs: each of the key's groups may send one into the line. Gives back the executors
  /// that these wait for.
  @discardableResult
  func releaseAfterEnd(of key: String) throws(SQLiteFailure) -> Set<Executor> {
    var released: Set<Executor> = []
    var group = KeyGroup(beforeAllOf: key)
    for _ in 0..<Self.toldGroups {
      guard let next = try line.heldGroup(after: group) else { break }
      if let executor = try releaseFirst(of: next) { released.insert(executor) }
      group = next
    }
    return released
  }

  /// Puts the first held job of a group into the line.
  @discardableResult
  func releaseFirst(of group: KeyGroup) throws(SQLiteFailure) -> Executor? {
    releaseFirst.bind(1, group.key)
    releaseFirst.bind(2, group.handler)
    releaseFirst.bind(3, group.queue)
    return try releaseFirst.firstRow { row throws(SQLiteFailure) in try Executor.ofCode(row.int64(0)) }
  }

  struct HeldSweep: Sendable {
    var released: Set<Executor> = []
    /// Where to go on; `nil`: that was all.
    var next: KeyGroup?
  }

  /// Looks at no more than `limit` groups after `start`, and puts a job of each into the line whose key has room.
  func releaseHeld(after start: KeyGroup?, limit: Int) throws(SQLiteFailure) -> HeldSweep {
    var sweep = HeldSweep()
    var group = start ?? KeyGroup(beforeAllOf: "")
    try atomically { () throws(SQLiteFailure) in
      for _ in 0..<limit {
        nextHeld.bind(1, group.key)
        nextHeld.bind(2, group.handler)
        nextHeld.bind(3, group.queue)
        let found = try nextHeld.firstRow { row throws(SQLiteFailure) in
          KeyGroup(key: row.text(0), handler: row.text(1), queue: row.text(2))
        }
        guard let next = found else {
          sweep.next = nil
          return
        }
        if try !isFull(next), let executor = try releaseFirst(of: next) { sweep.released.insert(executor) }
        group = next
        sweep.next = next
      }
    }
    return sweep
  }
}
