/// One handler over many inputs. Each input becomes a job of its own; the batch is what they have in common.
public struct Batch: Sendable, Equatable {
  /// Made by a ``JobIDIssuer`` of its own (see ``SipHashKey/forBatches``), so that a batch's id is never a job's.
  public var id: JobID
  public var total: Int
  /// How many inputs a worker may be given at once.
  public var chunkSize: Int
  /// What all jobs of the batch share; its id and input mean nothing.
  public var prototype: Job
  /// Jobs by state. Inputs that are no rows yet count as what they will be first.
  public var counts: BatchCounts
  /// How often one of its jobs has ended; one that is tried again may end again. The newest result's cursor, in the order
  /// of ends.
  public var ends = 0
  public var createdAt: Timestamp
  public var finishedAt: Timestamp?
  /// What has not ended shall be cancelled, inputs that are no jobs yet included.
  public var cancelRequested = false

  /// The spool file with the inputs, until all of them are jobs.
  public var inputFile: String?
  /// Inputs that have become jobs: always the first ones.
  public var filled = 0
  /// Where in the file the next one begins.
  public var inputOffset = 0
  /// Jobs whose cancelling was asked for and that have not been looked at.
  public var toCancel: Range<Int> = 0..<0
  /// The acceptor process that makes the jobs, or cancels them.
  public var owner: OwnerID

  public var handler: String { prototype.handler }
  public var isDone: Bool { counts.active == 0 }
  /// Something is left to do for `owner`.
  public var hasWork: Bool { filled < total || !toCancel.isEmpty }

  /// A batch whose inputs stand in `inputFile`, and none of which is a job.
  public init(id: JobID, total: Int, chunkSize: Int, prototype: Job, inputFile: String, owner: OwnerID) {
    self.id = id
    self.total = total
    self.chunkSize = chunkSize
    self.prototype = prototype
    self.inputFile = inputFile
    self.owner = owner
    createdAt = prototype.createdAt
    counts = BatchCounts()
    counts[prototype.state] = total
  }

  /// The job that an input becomes.
  public func job(id: JobID, index: Int, args: [UInt8]) -> Job {
    var job = prototype
    job.id = id
    job.input = .json(args)
    job.batch = BatchPlace(batch: self.id, index: index)
    return job
  }
}

/// How many jobs of a batch are in each state.
public struct BatchCounts: Sendable, Equatable {
  public var scheduled = 0
  public var queued = 0
  public var running = 0
  public var succeeded = 0
  public var failed = 0
  public var cancelled = 0

  public init() {}

  /// Those that have not ended.
  public var active: Int { scheduled + queued + running }

  public subscript(state: JobState) -> Int {
    get { self[keyPath: Self.path(state)] }
    set { self[keyPath: Self.path(state)] = newValue }
  }

  private static func path(_ state: JobState) -> WritableKeyPath<BatchCounts, Int> {
    switch state {
    case .scheduled: \.scheduled
    case .queued: \.queued
    case .running: \.running
    case .succeeded: \.succeeded
    case .failed: \.failed
    case .cancelled: \.cancelled
    }
  }
}

extension SipHashKey {
  /// The key for the ids of batches, made from the one for the ids of jobs.
  public var forBatches: SipHashKey {
    // Any two different constants do: what is hashed for an id always has the version's and the variant's bits set.
    SipHashKey(
      k0: SipHash24.hash(0, 0x6261_7463_6865_7330, key: self), k1: SipHash24.hash(0, 0x6261_7463_6865_7331, key: self))
  }
}
