import JobModel
import JobStore
import Testing

@Suite("Store exam: attempts")
struct ExamOfAttempts {
  @Test("a job reads back as it was submitted, with every field", arguments: StoreUnderTest.all)
  func roundTrip(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let name = SpoolFolder.newName()
      let inputs: [JobInput] = [
        .json(Array(#"{"n": 12345678901234567890, "s": "é\u0000"}"#.utf8)),
        .body([0, 1, 255], mediaType: "image/png", args: Array("{}".utf8)),
        .body([], mediaType: "application/octet-stream", args: Array(#"{"a":1}"#.utf8)),
        .file(name: name, byteCount: 1 << 40, mediaType: "video/mp4", args: Array("{}".utf8)),
      ]
      for input in inputs {
        var job = jobs.queued("über", priority: -100, executor: .thread, queue: "", input: input)
        job.progress = JobProgress(completed: 3, total: nil, message: "")
        try await store.submit(job)
        #expect(try await store.job(job.id) == job)
      }
      let failed = jobs.failed(jobs.running(maxAttempts: 1))
      let results: [JobResult.Body] = [.bytes([]), .bytes(Array(repeating: 7, count: 65_536)), .file(name: name)]
      for job in [failed, jobs.failed(jobs.running(maxAttempts: 2))]
        + results.map({ jobs.succeeded(jobs.running(), $0) })
      {
        try await store.submit(job)
        #expect(try await store.job(job.id) == job)
      }
    }
  }

  @Test("an id that was never submitted is no job", arguments: StoreUnderTest.all)
  func unknown(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let id = jobs.queued().id
      #expect(try await store.job(id) == nil)
      #expect(try await store.log(id) == nil)
      #expect(try await store.requestCancel(id, now: jobs.now, expiresAt: jobs.now) == .unknown)
      #expect(try await store.retry(id, now: jobs.now) == .unknown)
      #expect(try await store.delete(id) == .unknown)
      #expect(
        try await store.finishIfStillOwned(jobs.succeeded(jobs.running()), owner: jobs.owner, attempt: 1) == .notOwned)
    }
  }

  @Test("claims take the highest priority first, then who came first, of their executor", arguments: StoreUnderTest.all)
  func order(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let line = [("c", 0), ("d", 0), ("a", 100), ("e", -100), ("b", 5)].map { jobs.queued($0.0, priority: $0.1) }
      for job in line.reversed() { try await store.submit(job) }
      try await store.submit(jobs.queued("task", priority: 100, executor: .task))
      #expect(try await store.claim(jobs.request(0)).isEmpty)
      #expect(try await store.claim(jobs.request(-1)).isEmpty)
      let first = try await store.claim(jobs.request(3))
      #expect(first.map(\.handler) == ["a", "b", "c"])
      #expect(first.allSatisfy { $0.state == .running && $0.attempt == 1 && $0.owner == jobs.owner })
      for job in first { #expect(try await store.job(job.id) == job) }
      #expect(try await store.claim(jobs.request(9)).map(\.handler) == ["d", "e"])
      #expect(try await store.claim(jobs.request(9)).isEmpty)
      #expect(try await store.claim(jobs.request(9, .task)).map(\.handler) == ["task"])
    }
  }

  @Test("an attempt that still owns its job writes its end, once", arguments: StoreUnderTest.all)
  func finish(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = jobs.running()
      try await store.submit(job)
      let ended = jobs.succeeded(job)
      #expect(try await store.finishIfStillOwned(ended, owner: OwnerID(number: 99), attempt: 1) == .notOwned)
      #expect(try await store.finishIfStillOwned(ended, owner: jobs.owner, attempt: 2) == .notOwned)
      #expect(try await store.job(job.id) == job)
      let receipt = try await store.finishIfStillOwned(ended, owner: jobs.owner, attempt: 1)
      #expect(receipt == .written(revision: ended.revision))
      #expect(try await store.job(job.id) == ended)
      #expect(try await store.finishIfStillOwned(jobs.failed(job), owner: jobs.owner, attempt: 1) == .notOwned)
      #expect(try await store.job(job.id) == ended)
    }
  }

  @Test("the finish of an attempt that was rescued and runs again elsewhere is refused", arguments: StoreUnderTest.all)
  func staleAttempt(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = jobs.running()
      try await store.submit(job)
      _ = try await store.rescueAbandoned(live: [], now: jobs.now, expiresAt: jobs.now)
      let again = try #require(try await store.claim(jobs.request(1)).first)
      #expect(again.attempt == 2)
      #expect(try await store.finishIfStillOwned(jobs.succeeded(job), owner: jobs.owner, attempt: 1) == .notOwned)
      #expect(try await store.job(job.id) == again)
    }
  }

  @Test("a failed attempt with another due is scheduled, and its past is kept", arguments: StoreUnderTest.all)
  func anotherAttempt(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = jobs.running(maxAttempts: 3)
      try await store.submit(job)
      let waiting = jobs.failed(job)
      #expect(waiting.state == .scheduled)
      let written = try await store.finishIfStillOwned(waiting, owner: jobs.owner, attempt: 1)
      #expect(written == .written(revision: waiting.revision))
      #expect(try await store.job(job.id) == waiting)
      #expect(try await store.nextDue() == waiting.scheduledAt)
      _ = try await store.promoteDue(now: try #require(waiting.scheduledAt), limit: 10)
      let second = try #require(try await store.claim(jobs.request(1)).first)
      #expect(second.attempt == 2 && second.pastAttempts == waiting.pastAttempts)
      let done = jobs.succeeded(second)
      _ = try await store.finishIfStillOwned(done, owner: jobs.owner, attempt: 2)
      #expect(try await store.job(job.id)?.pastAttempts == waiting.pastAttempts)
    }
  }

  @Test("a job asked to be cancelled is not tried again, but may end", arguments: StoreUnderTest.all)
  func cancelWins(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = jobs.running(maxAttempts: 3)
      try await store.submit(job)
      _ = try await store.requestCancel(job.id, now: jobs.now, expiresAt: jobs.now)
      let marked = try await store.job(job.id)
      #expect(marked?.cancelRequested == true)
      for again in [jobs.failed(job), job.handedBack(usage: nil, now: jobs.now)] {
        #expect(try await store.finishIfStillOwned(again, owner: jobs.owner, attempt: 1) == .cancelRequested)
        #expect(try await store.job(job.id) == marked)
      }
      let receipt = try await store.finishIfStillOwned(jobs.cancelled(job), owner: jobs.owner, attempt: 1)
      // One for the claim, one for the mark, one for the end.
      #expect(receipt == .written(revision: 4))
      let ended = try await store.job(job.id)
      #expect(ended?.state == .cancelled && ended?.cancelRequested == true && ended?.revision == 4)
    }
  }

  @Test("progress is written while the attempt owns its job, and only then", arguments: StoreUnderTest.all)
  func progress(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (mine, others, ended) = (jobs.running(), jobs.running(owner: OwnerID(number: 5)), jobs.running())
      for job in [mine, others, ended] { try await store.submit(job) }
      _ = try await store.finishIfStillOwned(jobs.succeeded(ended), owner: jobs.owner, attempt: 1)
      let worker = RunBy(node: "host", acceptor: 0, pid: 9)
      let half = JobProgress(completed: 1, total: 2, message: "half")
      let updates = [mine, others, ended].map { ProgressUpdate(id: $0.id, progress: half, runBy: worker) }
      let revisions = try await store.recordProgressIfStillOwned(updates, owner: jobs.owner)
      #expect(revisions == [mine.id: mine.revision + 1])
      let seen = try #require(try await store.job(mine.id))
      #expect(seen.progress == half && seen.runBy == worker && seen.revision == mine.revision + 1)
      #expect(try await store.job(others.id) == others)
      let silent = [ProgressUpdate(id: mine.id, progress: nil, runBy: worker)]
      _ = try await store.recordProgressIfStillOwned(silent, owner: jobs.owner)
      #expect(try await store.job(mine.id)?.progress == half)
    }
  }

  @Test("what a job prints is kept in order, and goes with the job", arguments: StoreUnderTest.all)
  func log(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = jobs.running()
      try await store.submit(job)
      #expect(try await store.log(job.id) == [])
      for piece in ["one\n", "", "two\n", "three"] { try await store.appendLog(job.id, Array(piece.utf8)) }
      #expect(try await store.log(job.id) == Array("one\ntwo\nthree".utf8))
      try await store.appendLog(jobs.queued().id, [1])
      _ = try await store.finishIfStillOwned(jobs.failed(job), owner: jobs.owner, attempt: 1)
      _ = try await store.delete(job.id)
      #expect(try await store.log(job.id) == nil)
    }
  }

  @Test(
    "abandoned jobs are repeated, cancelled or failed; those of the living are left alone",
    arguments: StoreUnderTest.all)
  func rescue(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (dead, alive) = (OwnerID(number: 1), OwnerID(number: 2))
      let repeated = jobs.running(owner: dead)
      let unwanted = jobs.running(owner: dead)
      var lastTime = jobs.running(owner: dead)
      lastTime.lostCount = RetryPolicy.lostLimit
      let kept = jobs.running(owner: alive)
      for job in [repeated, unwanted, lastTime, kept] { try await store.submit(job) }
      _ = try await store.requestCancel(unwanted.id, now: jobs.now, expiresAt: jobs.now)
      let expiry = jobs.now.advanced(by: .seconds(60))
      let rescued = try await store.rescueAbandoned(live: [alive], now: jobs.now, expiresAt: expiry)
      let states = Dictionary(uniqueKeysWithValues: rescued.map { ($0.id, $0.state) })
      #expect(states == [repeated.id: .queued, unwanted.id: .cancelled, lastTime.id: .failed])
      for job in rescued {
        #expect(try await store.job(job.id) == job)
        #expect(job.state == .queued || job.expiresAt == expiry)
      }
      #expect(try await store.job(repeated.id)?.pastAttempts.first?.error?.kind == .lost)
      #expect(try await store.job(kept.id) == kept)
      #expect(try await store.rescueAbandoned(live: [alive], now: jobs.now, expiresAt: expiry).isEmpty)
    }
  }

  @Test("more abandoned jobs than one step takes are all rescued", arguments: StoreUnderTest.all)
  func rescueMany(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<1203 { group.addTask { try await store.submit(jobs.running()) } }
        try await group.waitForAll()
      }
      let rescued = try await store.rescueAbandoned(live: [], now: jobs.now, expiresAt: jobs.now)
      #expect(Set(rescued.map(\.id)).count == 1203)
      #expect(try await store.depth().running == 0)
    }
  }
}
