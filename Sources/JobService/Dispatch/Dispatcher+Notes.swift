import EventLoop
import JobModel
import JobStore

/// What running jobs say of themselves is written to the store a few times a second, all of it in one commit.
extension Dispatcher {
  static let notesInterval = Duration.milliseconds(500)

  func noteSoon() {
    guard notesTimer == nil else { return }
    notesTimer = EpollLoop.shared.schedule(after: Self.notesInterval) { [weak self] in
      guard let self else { return }
      self.notesTimer = nil
      Task { await self.saveNotes() }
    }
  }

  private func saveNotes() async {
    let running = attempts.values.filter { $0.phase == .running }
    for attempt in running where !attempt.log.isEmpty { await saveLog(attempt) }
    let dirty = attempts.values.filter { $0.isDirty && $0.phase == .running }
    if dirty.isEmpty { return }
    for attempt in dirty { attempt.isDirty = false }
    let updates = dirty.map { attempt in
      ProgressUpdate(
        id: attempt.job.id, progress: attempt.progress,
        runBy: RunBy(node: settings.node, acceptor: identity.seat, pid: attempt.pid))
    }
    do {
      let revisions = try await store.recordProgressIfStillOwned(updates, owner: identity.owner)
      let seats = memory.seats
      for id in revisions.keys {
        memory.board.markChanged(id)
        identity.post(.changed(id), wakingSeatsWhere: { seats.waiters(seat: $0) > 0 })
      }
    } catch {
      log.warning("progress cannot be stored", metadata: ["error": "\(error)"])
      for attempt in dirty { attempt.isDirty = true }
      noteSoon()
    }
  }

  /// Appends what the job printed since the last time.
  func saveLog(_ attempt: Attempt) async {
    if attempt.log.isEmpty { return }
    do {
      try await store.appendLog(attempt.job.id, attempt.log.take())
    } catch {
      log.error(
        "a part of a job's log is lost", metadata: ["job": "\(attempt.job.id)", "error": "\(error)"])
    }
  }
}
