import EventLoop
import JobModel
import JobStore

/// Clients that wait for a job to change, here or in another acceptor.
@LoopActor
final class JobWaits {
  /// One client's wait.
  @LoopActor
  final class Wait {
    fileprivate var latest: Job?
    fileprivate var hasNews = false
    fileprivate var isOver = false
    fileprivate var continuation: CheckedContinuation<Void, Never>?

    /// Ends the wait early: its client left, or the server stops.
    func abandon() {
      isOver = true
      resume()
    }

    fileprivate func tell(_ job: Job?) {
      latest = job
      hasNews = true
      resume()
    }

    fileprivate func resume() {
      continuation?.resume()
      continuation = nil
    }
  }

  private var waits: [JobID: [Wait]] = [:]
  private var count = 0 {
    didSet { memory.seats.setWaiters(count, seat: seat) }
  }
  private let memory: ServiceMemory
  private let seat: Int
  /// The server is about to end: nobody waits any more.
  private var isClosed = false
  /// Called when the first client begins to wait: changes elsewhere matter from now on.
  var onFirstWait: @LoopActor () -> Void = {}

  init(memory: ServiceMemory, seat: Int) {
    self.memory = memory
    self.seat = seat
  }

  /// Waits until `isEnough` holds for the job, for `limit` at the most; gives back the job as it is then, `nil` if there is
  /// no such job.
  ///
  /// - Parameter read: reads the job; called once at the beginning and after each change elsewhere.
  func job(
    _ id: JobID, limit: Duration, wait: Wait, isEnough: (Job) -> Bool,
    read: () async throws(StoreError) -> Job?
  ) async throws(StoreError) -> Job? {
    if isClosed { return try await read() }
    // Registered before the first look, so that no change falls between the two.
    if count == 0 { onFirstWait() }
    waits[id, default: []].append(wait)
    count += 1
    let timer = EpollLoop.shared.schedule(after: limit) { wait.abandon() }
    defer {
      EpollLoop.shared.cancel(timer)
      waits[id]?.removeAll { $0 === wait }
      if waits[id]?.isEmpty == true { waits[id] = nil }
      count -= 1
    }
    var known: Job?
    while true {
      let job: Job?
      if let told = wait.latest {
        job = told
      } else {
        job = try await read()
      }
      wait.latest = nil
      guard let job else { return nil }
      known = job
      if wait.isOver || isEnough(job) { return known }
      if !wait.hasNews { await withCheckedContinuation { wait.continuation = $0 } }
      wait.hasNews = false
      if wait.isOver, wait.latest == nil { return known }
    }
  }

  /// This acceptor changed a job.
  func changed(_ job: Job) {
    guard let waiting = waits[job.id] else { return }
    for wait in waiting { wait.tell(job) }
  }

  /// Another acceptor changed a job.
  func changedElsewhere(_ id: JobID) {
    guard let waiting = waits[id] else { return }
    for wait in waiting { wait.tell(nil) }
  }

  /// Changes were missed: every wait looks for itself.
  func lookAgain() {
    for waiting in waits.values { for wait in waiting { wait.tell(nil) } }
  }

  /// Ends every wait, present or to come: the clients get the jobs as they are.
  func abandonAll() {
    isClosed = true
    for waiting in waits.values { for wait in waiting { wait.abandon() } }
  }

  var isEmpty: Bool { count == 0 }
}
