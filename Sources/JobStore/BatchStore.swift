// Batches: many jobs that are submitted, cancelled, counted and read together.
//
// The inputs come in one durable file, and one small write makes the batch exist: all of them or none. They become rows
// step by step afterwards, so that 100,000 of them keep nobody else from the disk for long, and each step moves the batch's
// own marks in the same write, so that any process can go on where a dead one stopped.

import JobModel

/// What a store can do with batches. All verbs are as durable as those of ``JobStore``; the counts of a batch change in the
/// very writes that change its jobs.
public protocol BatchStore: Sendable {
  /// Makes the batch exist. Its input file must be durable.
  func openBatch(_ batch: Batch) async throws(StoreError)

  /// Makes the next inputs jobs: `jobs` are those from ``Batch/filled`` on, and `inputOffset` is where in the file the one
  /// after them begins. When the last one is a job, the row forgets the input file, and the caller removes it. In a batch
  /// that was cancelled meanwhile, the jobs are cancelled at once.
  ///
  /// - Returns: the batch as it is now; `nil`: nothing was written, because the batch is another owner's by now, or gone.
  func fillBatch(
    _ batch: Batch, _ jobs: [Job], inputOffset: Int, now: Timestamp, expiresAt: Timestamp
  ) async throws(StoreError) -> Batch?

  /// Asks for the end of all jobs of a batch that have not ended. The work falls to `owner`: see ``cancelNext(of:now:expiresAt:)``.
  func requestBatchCancel(_ id: JobID, owner: OwnerID) async throws(StoreError) -> BatchCancelDecision

  /// Cancels the next few jobs of ``Batch/toCancel``: those that wait end, those that run are marked to be stopped.
  ///
  /// - Returns: `nil`: nothing was written, because the batch is another owner's by now, or gone.
  func cancelNext(of batch: Batch, now: Timestamp, expiresAt: Timestamp) async throws(StoreError) -> BatchCancelStep?

  /// Gives the unfinished work of owners that are not among `live` to `owner`.
  func adoptBatches(live: Set<OwnerID>, owner: OwnerID) async throws(StoreError) -> [Batch]

  func batch(_ id: JobID) async throws(StoreError) -> Batch?

  /// The newest batches before `before`, newest first.
  func batches(before: JobID?, limit: Int) async throws(StoreError) -> [Batch]

  /// What has ended in a batch beyond `cursor`, as far as one reply's piece should hold; `nil`: there is no such batch.
  func batchResults(_ id: JobID, _ order: BatchOrder, after cursor: Int) async throws(StoreError) -> BatchResultPage?
}

/// The order in which a batch's results are read.
public enum BatchOrder: String, Sendable, CaseIterable {
  /// As they end. A job that is tried again and ends again comes again.
  case completed
  /// As the inputs came; a job that has not ended holds back those behind it.
  case submitted
}

public enum BatchCancelDecision: Sendable, Equatable {
  case stopping(Batch)
  case alreadyEnded(Batch)
  case unknown
}

public struct BatchCancelStep: Sendable, Equatable {
  /// As it is now.
  public var batch: Batch
  /// Had not started, and have ended now.
  public var cancelled: [Job]
  /// Run, and are marked.
  public var stopping: [Job]
  public init(batch: Batch, cancelled: [Job], stopping: [Job]) {
    self.batch = batch
    self.cancelled = cancelled
    self.stopping = stopping
  }
}

/// How one input ended.
public struct BatchResult: Sendable, Equatable {
  public var index: Int
  public var id: JobID
  public var state: JobState
  /// The bytes are left out where they are not JSON.
  public var result: JobResult?
  public var error: JobError?
  /// To go on behind this one, in the same order: from 1 to ``Batch/ends`` by ends, the index by inputs.
  public var cursor: Int
  public init(index: Int, id: JobID, state: JobState, result: JobResult?, error: JobError?, cursor: Int) {
    self.index = index
    self.id = id
    self.state = state
    self.result = result
    self.error = error
    self.cursor = cursor
  }
}

public struct BatchResultPage: Sendable, Equatable {
  public var results: [BatchResult]
  /// More can be read at once.
  public var hasMore: Bool
  /// All jobs of the batch had ended when the page was read.
  public var isDone: Bool
  public init(results: [BatchResult], hasMore: Bool, isDone: Bool) {
    self.results = results
    self.hasMore = hasMore
    self.isDone = isDone
  }
}
