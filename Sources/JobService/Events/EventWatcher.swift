import EventLoop
import HTTPServer
import JobModel

/// One client that watches: a reply that goes on, and its place in the events.
@LoopActor
final class EventWatcher {
  /// The job it watches; `nil`: all of them.
  let job: JobID?
  let stream = ResponseStream(bufferLimitBytes: 64 * 1024)
  /// The number of the next event that it has not been given.
  var next: UInt64
  /// Of its job, as it was told at the start: the row's revision, and which events came before it was told.
  private var known = (revision: 0, before: UInt64(0))
  /// Where it is in the line of events.
  enum Pace {
    /// What it starts with is still being read from the store.
    case starting
    /// It is given each event as it comes.
    case live
    /// It has not taken what it was given; it goes on from `next` when it has.
    case behind
  }
  var pace = Pace.starting

  init(job: JobID?, next: UInt64) {
    self.job = job
    self.next = next
  }

  /// It was told of its job as the row was; `head` is the number of the next event by now.
  func knows(revision: Int, head: UInt64) { known = (revision, head) }

  /// What it was told at the start may be later than events that came between its first and its last step into the line.
  func concerns(_ number: UInt64, _ event: JobEvent) -> Bool {
    guard let job else { return true }
    guard event.id == job else { return false }
    return switch event.what {
    case .state: event.revision > known.revision
    case .progress: number >= known.before
    }
  }
}
