// Where jobs are kept. The row of a job is the only place where acceptors, attempts and clients meet.
//
// Every implementation passes one exam (Tests/JobStoreTests). Implementations decide nothing about jobs: which state
// follows which is JobModel's, the verbs here say only under which condition a change is written.

import JobModel

/// A durable store of jobs. All verbs may be called concurrently. What a writing verb did is durable (it survives power
/// loss) and visible to every process when the call returns; concurrent writers share commits.
public protocol JobStore: QueueStore, IdempotencyStore, ScheduleStore, CallbackStore, TokenStore {
  /// The key that ``JobIDIssuer`` needs, the same for every process and every start on this store.
  var idKey: SipHashKey { get }

  /// For people: which store, and what its durability is, such as `sqlite`, `wal, synchronous=full`.
  var description: StoreDescription { get }

  // MARK: Writing

  /// Inserts a new job: `scheduled`, `queued`, or at once `running` (then `owner`, `runBy`, `attempt` and `startedAt` are
  /// set by the caller). One that was to run at once, but whose queue is paused or whose key has all the jobs running that
  /// it may, is inserted as `queued` instead. Where its `uniqueKey` is that of a job that has not ended, nothing is made.
  ///
  /// - Parameter request: remembered in the same commit, unless it is remembered already; then nothing is made.
  @discardableResult
  func submit(_ job: Job, for request: IdempotentRequest?) async throws(StoreError) -> SubmitReceipt

  /// Makes the next jobs in line `running` under `request.owner` and gives them back: highest priority first, then first
  /// come first served; none of a paused queue, and of the jobs with one `concurrencyKey` no more than may run at once.
  /// Each rises its `attempt` by one. No job is given to two callers. Fewer than asked for: nobody else in line can run.
  func claim(_ request: ClaimRequest) async throws(StoreError) -> [Job]

  /// Writes what has become of a running attempt: `job` as it shall be now (final, or `scheduled` or `queued` for another
  /// attempt), if its row is still `running`, with this owner and the same attempt number.
  func finishIfStillOwned(_ job: Job, owner: OwnerID, attempt: Int) async throws(StoreError) -> FinishReceipt

  /// Writes progress and the process that runs the attempt, where the job is still `running` under `owner`. Gives back the
  /// new revisions, of those that were.
  func recordProgressIfStillOwned(_ updates: [ProgressUpdate], owner: OwnerID) async throws(StoreError) -> [JobID: Int]

  /// Appends to what a job printed.
  func appendLog(_ id: JobID, _ bytes: [UInt8]) async throws(StoreError)

  /// Ends a job that waits, or marks a running one to be stopped. `expiresAt` is for a job that ends here.
  func requestCancel(_ id: JobID, now: Timestamp, expiresAt: Timestamp) async throws(StoreError) -> CancelDecision

  /// Queues a failed or cancelled job once more, with a fresh count of attempts allowed (`maxAttempts` rises by one if
  /// they are used up), its result, error, log and end forgotten; the past attempts stay listed. Refused while another job
  /// with its `uniqueKey` has not ended.
  func retry(_ id: JobID, now: Timestamp) async throws(StoreError) -> RetryDecision

  /// Forgets a job that has ended, with its log. The caller then removes the spool files it is given.
  func delete(_ id: JobID) async throws(StoreError) -> DeleteDecision

  /// Makes jobs that are due `queued`, at most `limit` of them.
  func promoteDue(now: Timestamp, limit: Int) async throws(StoreError) -> Promotion

  /// Deals with every job that is `running` under an owner that is not among `live`: repeated (`queued`, its lost count
  /// one higher), cancelled where that was asked for, or failed as `lost` for good. Gives back what became of them. The
  /// requests that such an owner was handling count as handled.
  func rescueAbandoned(live: Set<OwnerID>, now: Timestamp, expiresAt: Timestamp) async throws(StoreError) -> [Job]

  /// Removes at most `limit` jobs whose `expiresAt` has passed. The caller then removes the spool files it is given.
  func removeExpired(now: Timestamp, limit: Int) async throws(StoreError) -> Removal

  /// Sets the executor of every job of these handlers that has not started: registrations and configuration may have
  /// moved a handler since it was submitted.
  func assignExecutors(_ executors: [String: Executor]) async throws(StoreError)

  // MARK: Reading

  func job(_ id: JobID) async throws(StoreError) -> Job?

  /// The newest jobs before `before` that fit `filter`, newest first. The store may end a page early rather than look at
  /// every job it has: the list goes on as long as the page says where.
  func list(_ filter: JobFilter, before: JobID?, limit: Int) async throws(StoreError) -> JobPage

  /// All that the job printed; `nil` if there is no such job.
  func log(_ id: JobID) async throws(StoreError) -> [UInt8]?

  /// Jobs by state and executor, of the states that are not final; and when the oldest queued one began to wait.
  func depth() async throws(StoreError) -> StoreDepth

  /// When the next `scheduled` job is due.
  func nextDue() async throws(StoreError) -> Timestamp?

  /// Names of all spool files that some job refers to.
  func spoolFileNames() async throws(StoreError) -> Set<String>

  /// Finishes the writes under way, and closes. May be called twice; every verb afterwards throws ``StoreError``.
  func close() async
}

extension JobStore {
  /// Inserts a job that no remembered request asks for.
  @discardableResult
  public func submit(_ job: Job) async throws(StoreError) -> SubmitReceipt { try await submit(job, for: nil) }
}
