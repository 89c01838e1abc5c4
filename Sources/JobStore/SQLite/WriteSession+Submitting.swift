// A submit: the job, and the request that asked for it.

import GRDBSQLite
import JobModel

extension WriteSession {
  func submit(_ job: Job, for request: IdempotentRequest?) throws(SQLiteFailure) -> SubmitReceipt {
    if let request {
      return try atomically { () throws(SQLiteFailure) in
        if let known = try recall(request, now: job.createdAt) { return known }
        if try isFullOfRequests() { return .tooManyRemembered }
        let receipt = try submit(job)
        switch receipt {
        case .stored(let stored): try remember(request, job: stored.id, madeJob: true)
        case .uniqueKeyTaken(let other): try remember(request, job: other.id, madeJob: false)
        case .repeated, .keyOfAnotherRequest, .beingHandled, .tooManyRemembered: break
        }
        return receipt
      }
    }
    return try submit(job)
  }

  private func submit(_ job: Job) throws(SQLiteFailure) -> SubmitReceipt {
    if let other = try holder(ofUniqueKey: job.uniqueKey) { return .uniqueKeyTaken(other) }
    var stored = job
    if job.state == .running, try !mayStart(job) {
      stored = job.unclaimed()
      stored.revision = job.revision
    }
    try insert(stored)
    return .stored(stored)
  }

  /// The bare row; whoever calls it has looked for the unique key.
  func insert(_ job: Job) throws(SQLiteFailure) {
    try insert.bindWhole(job)
    if job.state == .queued, job.concurrencyKey != nil, try mustHold(job, seq: 0) {
      insert.bind(.state, JobState.heldCode)
    }
    try insert.run()
  }

  /// Whether a job may run at once: its caller has seen that nobody is ahead.
  private func mayStart(_ job: Job) throws(SQLiteFailure) -> Bool {
    if try line.isPaused(job.queue) { return false }
    guard let key = job.concurrencyKey, let limit = keyLimits[job.handler] else { return true }
    return try !line.isFull(key, limit: limit)
  }

  /// The job with this unique key that has not ended.
  func holder(ofUniqueKey key: String?) throws(SQLiteFailure) -> Job? {
    guard let key else { return nil }
    jobByUniqueKey.bind(1, key)
    return try jobByUniqueKey.firstRow { row throws(SQLiteFailure) in try row.job() }
  }

  // MARK: - Remembered requests

  /// What the same key was used for before; `nil`: for nothing that is still remembered.
  func recall(_ request: IdempotentRequest, now: Timestamp) throws(SQLiteFailure) -> SubmitReceipt? {
    requests.find.bind(1, request.scope)
    requests.find.bind(2, request.key)
    let known = try requests.find.firstRow { row throws(SQLiteFailure) in
      (
        number: row.int64(0), fingerprint: row.bytes(1), isHandled: row.isNull(4), expiresAt: row.int64(5),
        reply: RememberedReply(job: try row.jobID(2), madeJob: row.int(3) != 0, body: row.optionalBytes(6))
      )
    }
    guard let known else { return nil }
    if known.expiresAt <= now.microseconds {
      try forgetRequest(known.number)
      return nil
    }
    if known.fingerprint != request.fingerprint { return .keyOfAnotherRequest }
    return known.isHandled ? .repeated(known.reply) : .beingHandled
  }

  func remember(_ request: IdempotentRequest, job: JobID, madeJob: Bool) throws(SQLiteFailure) {
    requests.insert.bind(1, request.scope)
    requests.insert.bind(2, request.key)
    requests.insert.bind(3, request.fingerprint)
    requests.insert.bind(4, job)
    requests.insert.bind(5, madeJob)
    requests.insert.bind(6, request.handledBy?.number)
    requests.insert.bind(7, request.expiresAt.microseconds)
    requests.insert.bind(8, madeJob ? request.reply : nil)
    try requests.insert.run()
  }

  /// By the span of their numbers, which is never less than their count and costs two looks.
  private func isFullOfRequests() throws(SQLiteFailure) -> Bool {
    try requests.span.firstRow { row in row.int(0) } ?? 0 >= SQLiteJobStore.rememberedLimit
  }

  func endHandling(scope: String, key: String) throws(SQLiteFailure) {
    requests.endHandling.bind(1, scope)
    requests.endHandling.bind(2, key)
    try requests.endHandling.run()
  }

  /// The acceptors that were handling these requests are gone.
  func endHandling(exceptBy live: Set<OwnerID>) throws(SQLiteFailure) {
    var gone: [Int64] = []
    try requests.handlers.forEachRow { row in
      let owner = row.int64(0)
      if !live.contains(OwnerID(number: owner)) { gone.append(owner) }
    }
    for owner in gone {
      requests.endHandlingOf.bind(1, owner)
      try requests.endHandlingOf.run()
    }
  }

  func forgetRequests(now: Timestamp, limit: Int) throws(SQLiteFailure) -> Int {
    var expired: [Int64] = []
    requests.oldest.bind(1, limit)
    var isExpired = true
    try requests.oldest.forEachRow(while: { isExpired }) { row in
      isExpired = row.int64(1) <= now.microseconds
      if isExpired { expired.append(row.int64(0)) }
    }
    if expired.isEmpty { return 0 }
    let numbers = expired
    try atomically { () throws(SQLiteFailure) in
      for number in numbers { try forgetRequest(number) }
    }
    return numbers.count
  }

  private func forgetRequest(_ number: Int64) throws(SQLiteFailure) {
    requests.forget.bind(1, number)
    try requests.forget.run()
  }
}
