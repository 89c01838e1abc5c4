import Glibc
import JobModel
import JobStore
import Synchronization

/// Many clients that each wait for their answer before they ask again.
struct Load {
  enum Kind: String {
    /// Bare submits of queued jobs.
    case submit
    /// Submitted as running, then finished: the way of a job through a free acceptor.
    case pairs
    /// Claims, 16 at a time, of jobs that were submitted before.
    case claims
    /// The same, with 100,000 jobs ahead in line whose key has no room.
    case blocked
    /// The same, with 100,000 jobs ahead in line whose queue is paused.
    case paused
    /// Look-ups of one job.
    case reads
  }

  let store: SQLiteJobStore
  let maker: JobMaker
  let clients: Int
  private let tally = Tally()

  /// What all clients and the writer thread count into.
  private final class Tally: Sendable {
    let done = Atomic<Int>(0)
    let commits = Atomic<Int>(0)
    let longestLog = Atomic<Int>(0)
  }

  init(path: String, clients: Int) throws {
    let tally = tally
    store = try SQLiteJobStore.open(path: path, keyLimits: KeyLimits(others: 1)) { report in
      tally.commits.add(1, ordering: .relaxed)
      tally.longestLog.max(report.logPages, ordering: .relaxed)
    }
    maker = JobMaker(key: store.idKey)
    self.clients = clients
  }

  /// Stores `count` finished jobs.
  func fill(_ count: Int) async throws {
    let left = Atomic<Int>(count)
    let (store, maker) = (store, maker)
    try await onEachClient {
      var job = maker.succeeded(maker.running())
      job.expiresAt = job.createdAt.advanced(by: .seconds(365 * 86_400))
      try await store.submit(job)
      return left.subtract(1, ordering: .relaxed).newValue > 0
    }
    await store.close()
  }

  func measure(_ kind: Kind, _ time: Duration) async throws {
    let (store, maker, tally) = (store, maker, tally)
    var known: JobID?
    if kind == .blocked || kind == .paused { try await obstruct(kind) }
    if [.claims, .blocked, .paused].contains(kind) { try await line(seconds: Int(time.components.seconds)) }
    if kind == .reads {
      let job = maker.queued()
      try await store.submit(job)
      known = job.id
    }
    let looked = known
    let clock = ContinuousClock()
    let begun = clock.now
    let commitsBefore = tally.commits.load(ordering: .relaxed)
    try await onEachClient {
      switch kind {
      case .submit:
        try await store.submit(maker.queued())
        tally.done.add(1, ordering: .relaxed)
      case .pairs:
        let job = maker.running()
        try await store.submit(job)
        _ = try await store.finishIfStillOwned(maker.succeeded(job), owner: maker.owner, attempt: 1)
        tally.done.add(1, ordering: .relaxed)
      case .claims, .blocked, .paused:
        let jobs = try await store.claim(
          ClaimRequest(executor: .process, limit: 16, owner: maker.owner, runBy: maker.runBy, now: .present))
        if jobs.isEmpty { return false }
        tally.done.add(jobs.count, ordering: .relaxed)
      case .reads:
        guard let looked, try await store.job(looked) != nil else { return false }
        tally.done.add(1, ordering: .relaxed)
      }
      return clock.now - begun < time
    }
    let elapsed = clock.now - begun
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let done = tally.done.load(ordering: .relaxed)
    let commits = tally.commits.load(ordering: .relaxed) - commitsBefore
    print(
      "\(kind.rawValue) \(Int(Double(done) / seconds))/s done \(done) commits \(commits)",
      "longest log \(tally.longestLog.load(ordering: .relaxed)) pages")
    await store.close()
  }

  /// Enough queued jobs that the claims do not run dry soon.
  private func line(seconds: Int) async throws {
    let left = Atomic<Int>(seconds * 60_000)
    let (store, maker) = (store, maker)
    try await onEachClient {
      try await store.submit(maker.queued())
      return left.subtract(1, ordering: .relaxed).newValue > 0
    }
  }

  private func obstruct(_ kind: Kind) async throws {
    let left = Atomic<Int>(100_000)
    let (store, maker) = (store, maker)
    var running = maker.running()
    running.concurrencyKey = "full"
    try await store.submit(running)
    _ = try await store.setPaused(true, queue: "paused", now: .present)
    try await onEachClient {
      var job = maker.queued()
      if kind == .paused { job.queue = "paused" } else { job.concurrencyKey = "full" }
      try await store.submit(job)
      return left.subtract(1, ordering: .relaxed).newValue > 0
    }
  }

  private func onEachClient(_ step: @escaping @Sendable () async throws -> Bool) async throws {
    try await withThrowingTaskGroup { group in
      for _ in 0..<clients {
        group.addTask { while try await step() {} }
      }
      try await group.waitForAll()
    }
  }
}
