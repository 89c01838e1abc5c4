import EventLoop
import JobModel

/// Reads what other acceptors posted, and tells it to whom it concerns here.
@LoopActor
final class Switchboard: JobChangeListener {
  private let dispatcher: Dispatcher
  private let housekeeper: Housekeeper
  private let callbacks: CallbackSender
  private let waits: JobWaits
  private let watches: RowWatches
  private let replies: JobReplies
  private let events: EventFeed
  private var cursors: NoticeRings.Cursors

  init(
    dispatcher: Dispatcher, housekeeper: Housekeeper, callbacks: CallbackSender, waits: JobWaits, watches: RowWatches,
    replies: JobReplies, events: EventFeed
  ) {
    self.dispatcher = dispatcher
    self.housekeeper = housekeeper
    self.callbacks = callbacks
    self.waits = waits
    self.watches = watches
    self.replies = replies
    self.events = events
    cursors = dispatcher.identity.notices.cursors()
    waits.onFirstWait = { [weak self] in self?.skipChanges() }
    watches.onFirstWatch = { [weak self] in self?.skipChanges() }
  }

  /// The seat was woken.
  func woken() {
    // Whoever put a job into the line wakes those with room for it; a look at its generation tells whether somebody did.
    for executor in Executor.allCases { dispatcher.fill(executor) }
    let batch = dispatcher.identity.notices.read(&cursors, as: dispatcher.identity.seat)
    for notice in batch.notices {
      switch notice {
      case .changed(let id): changed(id)
      case .cancel(let id): dispatcher.stopHere(id)
      case .scheduled(let due): housekeeper.scheduled(at: due)
      case .paused: Task { await self.dispatcher.returnPaused() }
      case .schedulesChanged: housekeeper.schedulesChanged()
      }
    }
    if batch.missedChanges {
      waits.lookAgain()
      watches.lookAgain()
    }
    if batch.missedControls {
      Task { await self.dispatcher.stopWhatWasCancelled() }
      housekeeper.missedSchedules()
      Task { await self.dispatcher.returnPaused() }
    }
    housekeeper.look()
    events.posted()
  }

  /// Where nobody waited, the changes so far concern nobody.
  private func skipChanges() {
    if waits.isEmpty, watches.isEmpty { dispatcher.identity.notices.skipChanges(&cursors) }
  }

  // MARK: - JobChangeListener

  func changed(_ job: Job) {
    switch job.state {
    // Another acceptor may have run it meanwhile: this would be kept as the reply to a job that has long ended.
    case .scheduled, .queued: replies.forget(job.id)
    // Read after the change was marked, so the reply is good until the next one.
    default: replies.put(job, generation: dispatcher.memory.board.generation(of: job.id))
    }
    waits.changed(job)
    watches.changed(job.id)
    if job.state.isFinal, job.callbackURL != nil { callbacks.look() }
  }

  func changed(_ id: JobID) {
    waits.changedElsewhere(id)
    watches.changed(id)
  }

  func progressed(_ job: Job) { replies.forget(job.id) }

  func happened() { events.posted() }

  func scheduled(at due: Timestamp) { housekeeper.scheduled(at: due) }

  func schedulesChanged() { housekeeper.schedulesChanged() }
}
