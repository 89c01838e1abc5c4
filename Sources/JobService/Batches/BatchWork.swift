// Makes the inputs of batches jobs, and cancels batches: what takes many writes, one after the other.
//
// Each step is a write of its own that also moves the batch's marks, so the work can stop anywhere, and whoever takes the batch
// over goes on there: the acceptor that was asked begins, and the housekeeper adopts what a dead one left.

import EventLoop
import JobModel
import JobStore
import Logging

@LoopActor
final class BatchWork {
  private let dispatcher: Dispatcher
  private let store: any JobStore
  private let spool: SpoolFolder
  private let disk: BlockingThread
  private var issuer: JobIDIssuer
  private var atWork: Set<JobID> = []
  /// Batches that were handed over while they were at work.
  private var handedOver: [JobID: Batch] = [:]
  /// Nothing more is begun: what is left is for another process.
  private var isStopped = false

  /// Rows of one write: a few milliseconds, which is what others wait for at most.
  static let step = 200

  init(dispatcher: Dispatcher, spool: SpoolFolder, disk: BlockingThread) {
    self.dispatcher = dispatcher
    store = dispatcher.store
    self.spool = spool
    self.disk = disk
    issuer = JobIDIssuer(key: dispatcher.store.idKey)
  }

  func stop() { isStopped = true }

  /// Does what is left to do for a batch of this owner. Returns at once.
  func begin(_ batch: Batch) {
    guard !isStopped, batch.hasWork else { return }
    if atWork.insert(batch.id).inserted {
      Task { await self.work(batch) }
    } else {
      handedOver[batch.id] = batch
    }
  }

  /// Takes over what the owners that are not `live` have left.
  func adopt(live: Set<OwnerID>) async throws(StoreError) {
    let owner = dispatcher.identity.owner
    for batch in try await store.adoptBatches(live: live.union([owner]), owner: owner) {
      dispatcher.log.info("a batch is taken over", metadata: ["batch": "\(batch.id)"])
      begin(batch)
    }
  }

  private func work(_ first: Batch) async {
    var batch = first
    while !isStopped, !dispatcher.identity.isServerStopping() {
      do throws(StoreError) {
        // `nil`: it is another acceptor's now, or somebody here has changed it. The row knows.
        var next = try await step(batch)
        if next == nil { next = try await store.batch(batch.id) }
        guard let next else { break }
        batch = next
      } catch {
        if error.kind == .closed { break }
        dispatcher.log.error(
          "a batch cannot be worked on yet", metadata: ["batch": "\(batch.id)", "error": "\(error)"])
        await EpollLoop.shared.sleep(.seconds(1))
      }
      if let latest = handedOver.removeValue(forKey: batch.id) { batch = latest }
      guard batch.hasWork, batch.owner == dispatcher.identity.owner else { break }
    }
    atWork.remove(first.id)
    handedOver[first.id] = nil
  }

  private func step(_ batch: Batch) async throws(StoreError) -> Batch? {
    batch.toCancel.isEmpty ? try await fill(batch) : try await cancel(batch)
  }

  // MARK: - Inputs become jobs

  private func fill(_ batch: Batch) async throws(StoreError) -> Batch? {
    guard let file = batch.inputFile else {
      throw StoreError(.unusable, operation: "fill batch", cause: "batch \(batch.id) has lost its input file")
    }
    let piece = try await read(file, from: batch.inputOffset, limit: min(Self.step, batch.total - batch.filled))
    let now = Timestamp.now
    let executor = dispatcher.handlers[batch.handler]?.executor
    let jobs = piece.texts.enumerated().map { offset, text in
      var job = batch.job(id: issuer.next(now: now), index: batch.filled + offset, args: text)
      // Registrations may have changed since the batch came.
      if let executor { job.executor = executor }
      return job
    }
    let expiry = now.advanced(by: dispatcher.settings.retention)
    guard
      let filled = try await store.fillBatch(batch, jobs, inputOffset: piece.end, now: now, expiresAt: expiry)
    else { return nil }
    dispatcher.memory.counters.add(.jobsSubmitted, jobs.count, seat: dispatcher.identity.seat)
    if filled.cancelRequested {
      // As the store has ended them in the same write.
      for job in jobs { dispatcher.cancelledInLine(job.cancelledInLine(now: now, expiresAt: expiry)) }
    } else if let job = jobs.first {
      dispatcher.joinedAsBatch(job)
    }
    if filled.inputFile == nil { await remove(file) }
    return filled
  }

  private func read(_ file: String, from offset: Int, limit: Int) async throws(StoreError) -> BatchInputFile.Piece {
    let spool = spool
    do {
      return try await disk.run { try BatchInputFile.read(file, in: spool, from: offset, limit: limit) }
    } catch {
      throw error as? StoreError ?? StoreError(.unavailable, operation: "read a batch's inputs", cause: "\(error)")
    }
  }

  private func remove(_ file: String) async {
    let spool = spool
    do {
      try await disk.run { try spool.remove(file) }
    } catch {
      dispatcher.log.warning("a spool file cannot be removed", metadata: ["error": "\(error)"])
    }
  }

  // MARK: - Cancelling

  /// Asks for the end of all that has not ended.
  func requestCancel(_ id: JobID) async throws(StoreError) -> BatchCancelDecision {
    let decision = try await store.requestBatchCancel(id, owner: dispatcher.identity.owner)
    if case .stopping(let batch) = decision { begin(batch) }
    return decision
  }

  private func cancel(_ batch: Batch) async throws(StoreError) -> Batch? {
    let now = Timestamp.now
    let expiry = now.advanced(by: dispatcher.settings.retention)
    guard let step = try await store.cancelNext(of: batch, now: now, expiresAt: expiry) else { return nil }
    for job in step.cancelled { dispatcher.cancelledInLine(job) }
    for job in step.stopping { dispatcher.stopAnywhere(job) }
    return step.batch
  }
}
