import JobModel
import JobStore
import Testing

/// Most jobs are claimed once and succeed. A store may write that in a shorter way, and nobody may see it.
@Suite("Store exam: plain runs")
struct ExamOfPlainRuns {
  @Test("a job that is claimed and succeeds reads back whole, in both states", arguments: StoreUnderTest.all)
  func whole(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      var job = jobs.queued(
        priority: 7, queue: "large", maxAttempts: 3,
        input: .body([1, 2], mediaType: "image/png", args: Array(#"{"a":1}"#.utf8)))
      job.uniqueKey = "one"
      try await store.submit(job)
      var claimed = try #require(try await store.claim(jobs.request(1)).first)
      #expect(claimed.state == .running && claimed.attempt == 1 && claimed.revision == job.revision + 1)
      #expect(try await store.job(job.id) == claimed)
      // As an acceptor knows it by then.
      claimed.startedAt = jobs.now
      claimed.runBy?.pid = 9
      let ended = jobs.succeeded(claimed)
      #expect(
        try await store.finishIfStillOwned(ended, owner: jobs.owner, attempt: 1) == .written(revision: ended.revision))
      #expect(try await store.job(job.id) == ended)
      #expect(try await store.finishIfStillOwned(ended, owner: jobs.owner, attempt: 1) == .notOwned)
      // It holds its unique key no longer, and stands in no line.
      #expect(try await store.submit(jobs.unique("one")) != .uniqueKeyTaken(ended))
      #expect(try await store.depth().running == 0)
    }
  }

  @Test("a success that crosses a wish to cancel or a note of its process keeps both", arguments: StoreUnderTest.all)
  func crossed(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (cancelled, noted) = (jobs.running(), jobs.running())
      for job in [cancelled, noted] { try await store.submit(job) }
      _ = try await store.requestCancel(cancelled.id, now: jobs.now, expiresAt: jobs.now)
      let note = ProgressUpdate(id: noted.id, progress: nil, runBy: RunBy(node: "host", acceptor: 0, pid: 9))
      _ = try await store.recordProgressIfStillOwned([note], owner: jobs.owner)
      for job in [cancelled, noted] {
        var ended = jobs.succeeded(job)
        let receipt = try await store.finishIfStillOwned(ended, owner: jobs.owner, attempt: 1)
        #expect(receipt == .written(revision: job.revision + 2))
        ended.revision = job.revision + 2
        ended.cancelRequested = job.id == cancelled.id
        #expect(try await store.job(job.id) == ended)
      }
    }
  }

  @Test(
    "a success after a failed attempt leaves nothing of the failure but its place in the list",
    arguments: StoreUnderTest.all)
  func afterFailure(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let first = jobs.running(maxAttempts: 2)
      try await store.submit(first)
      _ = try await store.finishIfStillOwned(jobs.failed(first), owner: jobs.owner, attempt: 1)
      _ = try await store.promoteDue(now: jobs.now.advanced(by: .seconds(3600)), limit: 1)
      let second = try #require(try await store.claim(jobs.request(1)).first)
      #expect(second.attempt == 2 && second.error == nil && second.pastAttempts.count == 1)
      #expect(try await store.job(first.id) == second)
      let ended = jobs.succeeded(second)
      _ = try await store.finishIfStillOwned(ended, owner: jobs.owner, attempt: 2)
      #expect(try await store.job(first.id) == ended)
    }
  }

  @Test(
    "of a line that has run dry, a list of waiting jobs is empty at once; held ones are in it",
    arguments: StoreUnderTest.all)
  func lists(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      let (running, held) = (jobs.keyed("k"), jobs.keyed("k"))
      try await store.submit(running)
      let claimed = try #require(try await store.claim(jobs.request(1)).first)
      #expect(try await store.list(JobFilter(state: .queued), before: nil, limit: 9) == JobPage(jobs: [], next: nil))
      try await store.submit(held)
      #expect(try await store.list(JobFilter(state: .queued), before: nil, limit: 9).jobs.map(\.id) == [held.id])
      #expect(try await store.list(JobFilter(state: .scheduled), before: nil, limit: 9).jobs.isEmpty)
      let later = jobs.scheduled(at: jobs.now.advanced(by: .seconds(60)))
      try await store.submit(later)
      #expect(try await store.list(JobFilter(state: .scheduled), before: nil, limit: 9).jobs.map(\.id) == [later.id])
      _ = try await store.finishIfStillOwned(jobs.succeeded(claimed), owner: jobs.owner, attempt: 1)
      #expect(try await store.list(JobFilter(state: .queued), before: nil, limit: 9).jobs.map(\.id) == [held.id])
    }
  }
}
