import JobModel
import JobStore
import Testing

@Suite("Store exam: queues")
struct ExamOfQueues {
  @Test("a claim takes the first of all queues, by priority and then by age", arguments: StoreUnderTest.all)
  func orderOverQueues(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      var line: [Job] = []
      for number in 0..<40 { line.append(jobs.queued(priority: number % 3, queue: ["b", "a", "c", "d"][number % 4])) }
      for job in line { try await store.submit(job) }
      line.sort { ($0.priority, $1.queuedAt) > ($1.priority, $0.queuedAt) }
      #expect(try await store.claim(jobs.request(7)).map(\.id) == line[..<7].map(\.id))
      #expect(try await store.claim(jobs.request(100)).map(\.id) == line[7...].map(\.id))
      #expect(try await store.claim(jobs.request(1)).isEmpty)
    }
  }

  @Test("with more queues than one claim compares, every job has its turn", arguments: StoreUnderTest.all)
  func manyQueues(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<1200 { group.addTask { try await store.submit(jobs.queued(queue: "q\(number % 600)")) } }
        try await group.waitForAll()
      }
      var claimed: Set<JobID> = []
      while true {
        let found = try await store.claim(jobs.request(50))
        if found.isEmpty { break }
        claimed.formUnion(found.map(\.id))
      }
      #expect(claimed.count == 1200)
    }
  }

  @Test("nothing is claimed from a paused queue, in any process and after a restart", arguments: StoreUnderTest.all)
  func pause(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let (one, other) = (try place.open(), try place.open())
    let jobs = TestJobs(one)
    let (slow, fast) = (jobs.queued(priority: 9, queue: "slow"), jobs.queued())
    for job in [slow, fast] { try await one.submit(job) }
    guard case .done(let paused) = try await one.setPaused(true, queue: "slow", now: jobs.now) else {
      Issue.record("the queue was not paused")
      return
    }
    #expect(paused == QueueStatus(name: "slow", isPaused: true, queued: 1, oldestQueuedAt: slow.queuedAt))
    #expect(try await one.setPaused(true, queue: "slow", now: jobs.now) == .done(paused))
    #expect(try await other.pausedQueues() == ["slow"])
    #expect(try await other.claim(jobs.request(9)).map(\.id) == [fast.id])
    // A retry, a job that becomes due and one that was to start at once wait as well.
    let late = jobs.queued(queue: "slow")
    var due = late
    due.state = .scheduled
    due.scheduledAt = jobs.now
    try await one.submit(due)
    #expect(try await one.promoteDue(now: jobs.now, limit: 9).promoted.count == 1)
    let atOnce = jobs.queued(queue: "slow")
    let receipt = try await one.submit(atOnce.claimed(by: jobs.owner, runBy: jobs.runBy, now: jobs.now))
    guard case .stored(let stored) = receipt else {
      Issue.record("it was not stored: \(receipt)")
      return
    }
    #expect(stored.state == .queued && stored.attempt == 0 && stored.owner == nil)
    #expect(try await one.job(atOnce.id) == stored)
    #expect(try await one.claim(jobs.request(9)).isEmpty)
    for store in [one, other] { await store.close() }

    let again = try place.open()
    #expect(try await again.pausedQueues() == ["slow"])
    #expect(try await again.claim(jobs.request(9)).isEmpty)
    guard case .done(let resumed) = try await again.setPaused(false, queue: "slow", now: jobs.now) else {
      Issue.record("the queue was not resumed")
      return
    }
    #expect(!resumed.isPaused && resumed.queued == 3)
    #expect(try await again.claim(jobs.request(9)).map(\.id) == [slow.id, late.id, atOnce.id])
    await again.close()
  }

  @Test("only so many queues can be paused", arguments: StoreUnderTest.all)
  func pauseLimit(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let (jobs, limit) = (TestJobs(store), SQLiteJobStore.pausedQueueLimit)
      for number in 0..<limit { _ = try await store.setPaused(true, queue: "q\(number)", now: jobs.now) }
      #expect(try await store.setPaused(true, queue: "more", now: jobs.now) == .tooMany)
      _ = try await store.setPaused(false, queue: "q0", now: jobs.now)
      #expect(try await store.setPaused(true, queue: "more", now: jobs.now) != .tooMany)
    }
  }

  @Test("queues are those with jobs that have not ended, the paused ones, and default", arguments: StoreUnderTest.all)
  func listed(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      #expect(try await store.queues() == [QueueStatus(name: "default")])
      let oldest = jobs.queued(executor: .task, queue: "b")
      var scheduled = jobs.queued(queue: "c")
      scheduled.state = .scheduled
      scheduled.scheduledAt = jobs.now
      let running = jobs.queued(queue: "a").claimed(by: jobs.owner, runBy: jobs.runBy, now: jobs.now)
      let ended = jobs.queued(queue: "gone").claimed(by: jobs.owner, runBy: jobs.runBy, now: jobs.now)
      for job in [oldest, jobs.queued(queue: "b"), scheduled, running, jobs.succeeded(ended)] {
        try await store.submit(job)
      }
      // Held jobs wait as others do.
      for _ in 0..<3 { try await store.submit(jobs.keyed("k", queue: "b")) }
      _ = try await store.setPaused(true, queue: "z", now: jobs.now)
      let expected = [
        QueueStatus(name: "a", running: 1), QueueStatus(name: "b", queued: 5, oldestQueuedAt: oldest.queuedAt),
        QueueStatus(name: "c", scheduled: 1), QueueStatus(name: "default"), QueueStatus(name: "z", isPaused: true),
      ]
      #expect(try await store.queues() == expected)
      #expect(try await store.queue("b") == expected[1])
      #expect(try await store.queue("nobody") == QueueStatus(name: "nobody"))
    }
  }

  @Test("a place in line counts the jobs that go before, and says what is waited for", arguments: StoreUnderTest.all)
  func places(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      let line = (0..<10).map { jobs.queued(queue: $0 % 2 == 0 ? "even" : "odd") }
      let (urgent, elsewhere) = (jobs.queued(priority: 1), jobs.queued(priority: 1, executor: .task))
      let (busy, next, last) = (jobs.keyed("k"), jobs.keyed("k", priority: -50), jobs.keyed("k", priority: -60))
      let running = busy.claimed(by: jobs.owner, runBy: jobs.runBy, now: jobs.now)
      for job in line + [urgent, elsewhere, running, last, next] { try await store.submit(job) }
      func place(_ job: Job, limit: Int = 100) async throws -> PlaceInLine? {
        try await store.placeInLine(job.id, limit: limit)
      }
      #expect(try await place(urgent) == PlaceInLine(obstacle: .noFreeWorker, ahead: 0))
      #expect(try await place(line[6]) == PlaceInLine(obstacle: .noFreeWorker, ahead: 7))
      #expect(try await place(line[6], limit: 5) == PlaceInLine(obstacle: .noFreeWorker, ahead: nil))
      #expect(try await place(next) == PlaceInLine(obstacle: .keyLimit(1), ahead: 0))
      #expect(try await place(last) == PlaceInLine(obstacle: .keyLimit(1), ahead: 1))
      #expect(try await place(running) == nil)
      #expect(try await place(jobs.queued()) == nil)
      _ = try await store.setPaused(true, queue: "even", now: jobs.now)
      #expect(try await place(line[6]) == PlaceInLine(obstacle: .queuePaused, ahead: 3))
      // The paused ones are in nobody's way.
      #expect(try await place(line[7]) == PlaceInLine(obstacle: .noFreeWorker, ahead: 4))
    }
  }
}
