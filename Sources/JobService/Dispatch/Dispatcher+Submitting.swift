import EventLoop
import JobModel
import JobStore

/// How jobs come: made durable, started at once or told to whoever has room.
extension Dispatcher {
  /// Makes `job` durable, and starts it here at once if there is room and nobody is ahead in line, unless the store knows
  /// a reason against it. A job of a request that may come again always joins the line: so it is known before it is
  /// stored what the request is answered.
  func submit(_ job: Job, for request: IdempotentRequest? = nil) async throws(StoreError) -> SubmitReceipt {
    let executor = job.executor
    if request == nil, job.state == .queued, let lane = lanes[executor],
      lane.state.mayStartAtOnce(lineGeneration: memory.board.lineGeneration(executor))
    {
      var claimed = job.claimed(by: identity.owner, runBy: runBy, now: .now)
      claimed.revision = job.revision
      lanes[executor]?.state.reserve()
      let receipt: SubmitReceipt
      do {
        receipt = try await store.submit(claimed)
      } catch {
        lanes[executor]?.state.unreserve()
        fill(executor)
        resumeIfIdle()
        throw error
      }
      lanes[executor]?.state.unreserve()
      if case .stored(let stored) = receipt, stored.state == .running {
        memory.counters.add(.jobsSubmitted, seat: identity.seat)
        tell(JobEvent(stateOf: stored))
        take(stored)
      } else {
        submitted(receipt)
        fill(executor)
      }
      resumeIfIdle()
      return receipt
    }
    let receipt = try await store.submit(job, for: request)
    submitted(receipt)
    return receipt
  }

  /// A job joined the line, or waits for its time, if the receipt says that one was made.
  func submitted(_ receipt: SubmitReceipt) {
    guard case .stored(let job) = receipt else { return }
    memory.counters.add(.jobsSubmitted, seat: identity.seat)
    tell(JobEvent(stateOf: job))
    joined(job)
  }

  /// Tells whom it concerns that a job waits now.
  func joined(_ job: Job) {
    switch job.state {
    case .queued:
      memory.board.markJoined(job.executor)
      callForWork(job.executor)
    case .scheduled:
      memory.board.markScheduled()
      let due = job.scheduledAt ?? job.createdAt
      // Only what is due before all others concerns the housekeeper, whoever that is.
      guard memory.board.isEarliest(due) else { return }
      identity.postToAll(.scheduled(due))
      listener?.scheduled(at: due)
    case .running, .succeeded, .failed, .cancelled: break
    }
  }

  /// The same for jobs that are like this one, have just become rows, and were counted when their batch came.
  func joinedAsBatch(_ job: Job) {
    guard job.state == .queued else { return joined(job) }
    memory.board.markJoined(job.executor, count: 0)
    callForWork(job.executor)
  }

  /// Wakes whoever has room for work of this executor, here and in other acceptors.
  func callForWork(_ executor: Executor) {
    fill(executor)
    let seats = memory.seats
    identity.wakeSeats { seats.free(executor, seat: $0) > 0 }
  }
}
