// Jobs in one SQLite file, shared by the processes of one machine.
//
// In each process one thread writes (WriterThread), and two read: one looks single jobs up, one walks lists, so that a
// status poll never waits behind a list. This file says which verb goes where; the SQL is in WriteSession and ReadSession.

import GRDB
import JobModel

public final class SQLiteJobStore: JobStore {
  public let idKey: SipHashKey
  public let description = StoreDescription(kind: "sqlite", durability: "wal, synchronous=full")

  let writer: WriterThread
  let lookups: ReaderThread
  let lists: ReaderThread

  init(idKey: SipHashKey, writer: WriterThread, lookups: ReaderThread, lists: ReaderThread) {
    self.idKey = idKey
    self.writer = writer
    self.lookups = lookups
    self.lists = lists
  }

  /// Jobs that one transaction changes at most where a verb may have to change many.
  static let step = 500
  /// Jobs that one turn of the list reader looks at, and those a whole call does before it gives a short page back.
  private static let visitsATurn = 5000
  private static let visitsACall = 100_000

  // MARK: Writing

  @discardableResult
  public func submit(_ job: Job, for request: IdempotentRequest?) async throws(StoreError) -> SubmitReceipt {
    try await writer.write("submit") { (session) throws(SQLiteFailure) in try session.submit(job, for: request) }
  }

  public func claim(_ request: ClaimRequest) async throws(StoreError) -> [Job] {
    try await writer.write("claim") { (session) throws(SQLiteFailure) in try session.claim(request) }
  }

  public func finishIfStillOwned(_ job: Job, owner: OwnerID, attempt: Int) async throws(StoreError) -> FinishReceipt {
    try await writer.write("finish") { (session) throws(SQLiteFailure) in
      try session.finishIfStillOwned(job, owner: owner, attempt: attempt)
    }
  }

  public func recordProgressIfStillOwned(
    _ updates: [ProgressUpdate], owner: OwnerID
  ) async throws(StoreError) -> [JobID: Int] {
    var revisions: [JobID: Int] = [:]
    for start in stride(from: 0, to: updates.count, by: Self.step) {
      let part = updates[start..<min(start + Self.step, updates.count)]
      let written = try await writer.write("record progress") { (session) throws(SQLiteFailure) in
        try session.recordProgressIfStillOwned(part, owner: owner)
      }
      revisions.merge(written) { _, later in later }
    }
    return revisions
  }

  public func appendLog(_ id: JobID, _ bytes: [UInt8]) async throws(StoreError) {
    try await writer.write("append to log") { (session) throws(SQLiteFailure) in try session.appendLog(id, bytes) }
  }

  public func requestCancel(
    _ id: JobID, now: Timestamp, expiresAt: Timestamp
  ) async throws(StoreError) -> CancelDecision {
    try await writer.write("cancel") { (session) throws(SQLiteFailure) in
      try session.requestCancel(id, now: now, expiresAt: expiresAt)
    }
  }

  public func retry(_ id: JobID, now: Timestamp) async throws(StoreError) -> RetryDecision {
    try await writer.write("retry") { (session) throws(SQLiteFailure) in try session.retry(id, now: now) }
  }

  public func delete(_ id: JobID) async throws(StoreError) -> DeleteDecision {
    try await writer.write("delete") { (session) throws(SQLiteFailure) in try session.delete(id) }
  }

  public func promoteDue(now: Timestamp, limit: Int) async throws(StoreError) -> Promotion {
    try await writer.write("promote") { (session) throws(SQLiteFailure) in
      try session.promoteDue(now: now, limit: limit)
    }
  }

  public func rescueAbandoned(
    live: Set<OwnerID>, now: Timestamp, expiresAt: Timestamp
  ) async throws(StoreError) -> [Job] {
    var rescued: [Job] = []
    while true {
      let part = try await writer.write("rescue") { (session) throws(SQLiteFailure) in
        try session.rescueAbandoned(live: live, now: now, expiresAt: expiresAt, limit: Self.step)
      }
      rescued += part
      if part.count < Self.step { return rescued }
    }
  }

  public func removeExpired(now: Timestamp, limit: Int) async throws(StoreError) -> Removal {
    try await writer.write("remove expired") { (session) throws(SQLiteFailure) in
      try session.removeExpired(now: now, limit: limit)
    }
  }

  /// Looks for such jobs as a reader first, which holds nobody up, and writes only where there are some.
  public func assignExecutors(_ executors: [String: Executor]) async throws(StoreError) {
    while true {
      let moves = try await lists.read("find misplaced") { (session) throws(SQLiteFailure) in
        try session.misplaced(executors, limit: 20 * Self.step)
      }
      if moves.isEmpty { return }
      for start in stride(from: 0, to: moves.count, by: Self.step) {
        let part = moves[start..<min(start + Self.step, moves.count)]
        try await writer.write("assign executors") { (session) throws(SQLiteFailure) in
          try session.assignExecutors(part)
        }
      }
    }
  }

  // MARK: Reading

  public func job(_ id: JobID) async throws(StoreError) -> Job? {
    try await lookups.read("read job") { (session) throws(SQLiteFailure) in try session.job(id) }
  }

  /// A list of failed, cancelled or running jobs walks an index of these alone. Every other walks all jobs, newest first,
  /// and gives a short page back after 100,000 of them. A page of large jobs is short too.
  public func list(_ filter: JobFilter, before: JobID?, limit: Int) async throws(StoreError) -> JobPage {
    var whole = JobPage(jobs: [], next: before)
    var visited = 0
    var isFull = false
    while whole.jobs.count < limit && visited < Self.visitsACall && !isFull {
      let (from, missing) = (whole.next, limit - whole.jobs.count)
      // Each turn is a short read of its own: a long one would keep the log from starting anew.
      let page = try await lists.read("list") { (session) throws(SQLiteFailure) in
        try session.list(filter, before: from, limit: missing, visitLimit: Self.visitsATurn)
      }
      whole.jobs += page.jobs
      whole.next = page.next
      visited += Self.visitsATurn
      if page.next == nil { break }
      // A turn that found jobs and neither enough of them nor the end of its visits was cut for their size.
      isFull = !page.jobs.isEmpty && page.jobs.count < missing && page.next == page.jobs.last?.id
    }
    return whole
  }

  public func log(_ id: JobID) async throws(StoreError) -> [UInt8]? {
    try await lookups.read("read log") { (session) throws(SQLiteFailure) in try session.log(id) }
  }

  public func depth() async throws(StoreError) -> StoreDepth {
    try await lists.read("count") { (session) throws(SQLiteFailure) in try session.depth() }
  }

  public func nextDue() async throws(StoreError) -> Timestamp? {
    try await lookups.read("next due") { (session) throws(SQLiteFailure) in try session.nextDueAt() }
  }

  public func spoolFileNames() async throws(StoreError) -> Set<String> {
    try await lists.read("list spool files") { (session) throws(SQLiteFailure) in try session.spoolFileNames() }
  }

  public func close() async {
    // Readers first: the last connection to close tidies up, and only a writer may.
    await lookups.close()
    await lists.close()
    await writer.close()
  }
}
