// What goes into the store's verbs, and what comes back.

import JobModel

public struct StoreDescription: Sendable, Equatable {
  public var kind: String
  public var durability: String
  public init(kind: String, durability: String) {
    self.kind = kind
    self.durability = durability
  }
}

public struct ClaimRequest: Sendable {
  public var executor: Executor
  public var limit: Int
  public var owner: OwnerID
  public var runBy: RunBy
  public var now: Timestamp
  public init(executor: Executor, limit: Int, owner: OwnerID, runBy: RunBy, now: Timestamp) {
    self.executor = executor
    self.limit = limit
    self.owner = owner
    self.runBy = runBy
    self.now = now
  }
}

public enum FinishReceipt: Sendable, Equatable {
  /// Written; this is the row's revision now. Where its key has room again, jobs of these executors came into the line.
  case written(revision: Int, released: Set<Executor> = [])
  /// Nothing was written: the job was to be tried again, but was asked to be cancelled meanwhile. Finish it as cancelled.
  case cancelRequested
  /// Nothing was written: the row is gone, has ended, or belongs to another attempt.
  case notOwned
}

public struct ProgressUpdate: Sendable {
  public var id: JobID
  public var progress: JobProgress?
  public var runBy: RunBy
  public init(id: JobID, progress: JobProgress?, runBy: RunBy) {
    self.id = id
    self.progress = progress
    self.runBy = runBy
  }
}

public enum CancelDecision: Sendable, Equatable {
  /// It had not started, and has ended now.
  case cancelled(Job)
  /// It is running and is marked; whoever runs it is to be told.
  case stopping(Job)
  case alreadyEnded(Job)
  case unknown
}

public enum RetryDecision: Sendable, Equatable {
  case queued(Job)
  /// It succeeded, or has not ended.
  case refused(Job)
  /// This other job has its unique key now, and has not ended.
  case uniqueKeyTaken(Job)
  case unknown
}

public enum DeleteDecision: Sendable, Equatable {
  /// `batch`: the one it belonged to, whose counts have changed; it is gone with its last job.
  case deleted(spoolFiles: [String], batch: JobID? = nil)
  case notEnded(Job)
  case unknown
}

public struct Promotion: Sendable, Equatable {
  /// A job that is queued now.
  public struct Promoted: Sendable, Equatable {
    public var id: JobID
    /// What it waits for.
    public var executor: Executor
    public var attempt: Int
    public var revision: Int
    public var batch: JobID?

    public init(_ job: Job) {
      id = job.id
      batch = job.batch?.batch
      executor = job.executor
      attempt = job.attempt
      revision = job.revision
    }
  }
  public var promoted: [Promoted]
  public var nextDue: Timestamp?
  public init(promoted: [Promoted], nextDue: Timestamp?) {
    self.promoted = promoted
    self.nextDue = nextDue
  }
}

public struct Removal: Sendable, Equatable {
  public var ids: [JobID]
  public var spoolFiles: [String]
  /// Those that the jobs belonged to, whose counts have changed.
  public var batches: Set<JobID>
  public init(ids: [JobID], spoolFiles: [String], batches: Set<JobID> = []) {
    self.ids = ids
    self.spoolFiles = spoolFiles
    self.batches = batches
  }
}

public struct JobFilter: Sendable, Equatable {
  public var state: JobState?
  public var handler: String?
  public var queue: String?
  public var batch: JobID?
  public init(state: JobState? = nil, handler: String? = nil, queue: String? = nil, batch: JobID? = nil) {
    self.state = state
    self.handler = handler
    self.queue = queue
    self.batch = batch
  }
}

public struct JobPage: Sendable, Equatable {
  public var jobs: [Job]
  /// `before` of the next page; `nil` if there is none.
  public var next: JobID?
  public init(jobs: [Job], next: JobID?) {
    self.jobs = jobs
    self.next = next
  }
}

public struct StoreDepth: Sendable, Equatable {
  public var scheduled: Int
  public var queued: [Executor: Int]
  public var running: Int
  public var oldestQueuedAt: Timestamp?
  public init(scheduled: Int, queued: [Executor: Int], running: Int, oldestQueuedAt: Timestamp?) {
    self.scheduled = scheduled
    self.queued = queued
    self.running = running
    self.oldestQueuedAt = oldestQueuedAt
  }
}
