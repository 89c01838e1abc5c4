import EventLoop
import JobModel

/// Tells everybody who follows a batch that something in it changed: at once the first time, and then a few dozen times a
/// second, however many of its jobs end. The last change is never kept back for longer than that.
@LoopActor
final class BatchBell {
  /// Batches that rang lately, and whether they have to ring again.
  private var lately: [JobID: Bool] = [:]
  private let sound: @LoopActor (JobID) -> Void

  static let interval = Duration.milliseconds(25)

  init(sound: @escaping @LoopActor (JobID) -> Void) { self.sound = sound }

  func ring(_ id: JobID) {
    guard lately[id] == nil else {
      lately[id] = true
      return
    }
    ringNow(id)
  }

  private func ringNow(_ id: JobID) {
    lately[id] = false
    sound(id)
    EpollLoop.shared.schedule(after: Self.interval) { [weak self] in
      guard let self else { return }
      if self.lately.removeValue(forKey: id) == true { self.ringNow(id) }
    }
  }
}
