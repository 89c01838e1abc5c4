import JobModel
import JobStore
import Testing

@Suite("Store exam: clients and the clock")
struct ExamOfClients {
  @Test(
    "a job is cancelled in line, marked while it runs, and left alone once it has ended", arguments: StoreUnderTest.all)
  func cancel(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (queued, scheduled, running) = (jobs.queued(), jobs.scheduled(at: jobs.now), jobs.running())
      for job in [queued, scheduled, running] { try await store.submit(job) }
      let (now, expiry) = (jobs.now, jobs.now.advanced(by: .seconds(60)))
      for job in [queued, scheduled] {
        guard case .cancelled(let ended) = try await store.requestCancel(job.id, now: now, expiresAt: expiry) else {
          Issue.record("a waiting job was not cancelled")
          continue
        }
        #expect(ended.state == .cancelled && ended.finishedAt == now && ended.expiresAt == expiry)
        #expect(try await store.job(job.id) == ended)
        #expect(try await store.requestCancel(job.id, now: now, expiresAt: expiry) == .alreadyEnded(ended))
      }
      #expect(try await store.claim(jobs.request(9)).isEmpty)
      #expect(try await store.nextDue() == nil)
      guard case .stopping(let marked) = try await store.requestCancel(running.id, now: now, expiresAt: expiry) else {
        Issue.record("a running job was not marked")
        return
      }
      #expect(marked.state == .running && marked.cancelRequested && marked.revision == running.revision + 1)
      #expect(try await store.job(running.id) == marked)
      // Asking again changes nothing.
      #expect(try await store.requestCancel(running.id, now: now, expiresAt: expiry) == .stopping(marked))
    }
  }

  @Test(
    "only failed and cancelled jobs are queued once more, without what their end left", arguments: StoreUnderTest.all)
  func retry(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (failing, succeeding, waiting) = (jobs.running(), jobs.running(), jobs.queued(priority: -1))
      for job in [failing, succeeding, waiting] { try await store.submit(job) }
      try await store.appendLog(failing.id, [1, 2, 3])
      let (failed, succeeded) = (jobs.failed(failing), jobs.succeeded(succeeding))
      for job in [failed, succeeded] { _ = try await store.finishIfStillOwned(job, owner: jobs.owner, attempt: 1) }
      #expect(try await store.retry(succeeded.id, now: jobs.now) == .refused(succeeded))
      #expect(try await store.retry(waiting.id, now: jobs.now) == .refused(waiting))
      let now = jobs.now
      let queued = failed.retried(now: now)
      #expect(try await store.retry(failing.id, now: now) == .queued(queued))
      #expect(try await store.job(failing.id) == queued)
      #expect(try await store.log(failing.id) == [])
      #expect(try await store.retry(failing.id, now: now) == .refused(queued))
      #expect(try await store.claim(jobs.request(1)).first?.id == failing.id)
    }
  }

  @Test("only a job that has ended is deleted, and its spool files are named", arguments: StoreUnderTest.all)
  func delete(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (input, output) = (SpoolFolder.newName(), SpoolFolder.newName())
      let big = JobInput.file(name: input, byteCount: 9, mediaType: "text/plain", args: Array("{}".utf8))
      let job = jobs.queued(input: big).claimed(by: jobs.owner, runBy: jobs.runBy, now: jobs.now)
      try await store.submit(job)
      #expect(try await store.spoolFileNames() == [input])
      #expect(try await store.delete(job.id) == .notEnded(job))
      _ = try await store.finishIfStillOwned(jobs.succeeded(job, .file(name: output)), owner: jobs.owner, attempt: 1)
      #expect(try await store.spoolFileNames() == [input, output])
      #expect(try await store.delete(job.id) == .deleted(spoolFiles: [input, output]))
      #expect(try await store.job(job.id) == nil)
      #expect(try await store.spoolFileNames() == [])
      #expect(try await store.delete(job.id) == .unknown)
    }
  }

  @Test(
    "jobs that are due join the line in the order they were due, and no more than the limit",
    arguments: StoreUnderTest.all)
  func promote(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let start = jobs.now
      let (third, first, second, later) = (
        jobs.scheduled(at: start.advanced(by: .seconds(3))), jobs.scheduled(at: start.advanced(by: .seconds(1))),
        jobs.scheduled(at: start.advanced(by: .seconds(2))), jobs.scheduled(at: start.advanced(by: .seconds(9)))
      )
      for job in [third, first, second, later] { try await store.submit(job) }
      #expect(try await store.claim(jobs.request(9)).isEmpty)
      #expect(try await store.nextDue() == first.scheduledAt)
      #expect(try await store.promoteDue(now: start, limit: 9) == Promotion(promoted: [], nextDue: first.scheduledAt))
      let now = start.advanced(by: .seconds(4))
      let two = try await store.promoteDue(now: now, limit: 2)
      #expect(two.promoted.map(\.id) == [first.id, second.id] && two.nextDue == third.scheduledAt)
      let one = try await store.promoteDue(now: now, limit: 2)
      #expect(one.promoted.map(\.id) == [third.id] && one.nextDue == later.scheduledAt)
      #expect(try await store.claim(jobs.request(9)).map(\.id) == [first.id, second.id, third.id])
    }
  }

  @Test(
    "expired jobs are removed with their logs, no more than the limit, and others are not",
    arguments: StoreUnderTest.all)
  func expire(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let name = SpoolFolder.newName()
      var ended: [Job] = []
      for number in 0..<5 {
        let job = jobs.succeeded(jobs.running(), number == 0 ? .file(name: name) : .bytes([]))
        try await store.submit(job)
        try await store.appendLog(job.id, [1])
        ended.append(job)
      }
      let waiting = jobs.queued()
      try await store.submit(waiting)
      let expiry = try #require(ended[3].expiresAt)
      let before = try #require(ended[0].expiresAt).advanced(by: .microseconds(-1))
      #expect(try await store.removeExpired(now: before, limit: 9) == Removal(ids: [], spoolFiles: []))
      let first = try await store.removeExpired(now: expiry, limit: 3)
      #expect(first == Removal(ids: ended[0..<3].map(\.id), spoolFiles: [name]))
      #expect(try await store.removeExpired(now: expiry, limit: 3).ids == [ended[3].id])
      #expect(try await store.removeExpired(now: expiry, limit: 3).ids == [])
      #expect(try await store.job(ended[0].id) == nil)
      #expect(try await store.log(ended[0].id) == nil)
      #expect(try await store.job(ended[4].id) == ended[4])
      #expect(try await store.job(waiting.id) == waiting)
    }
  }

  @Test("waiting jobs follow their handler to another executor; started ones stay", arguments: StoreUnderTest.all)
  func executors(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (moved, other, started) = (jobs.queued("moved"), jobs.queued("other"), jobs.running("moved"))
      var later = jobs.scheduled(at: jobs.now)
      later.handler = "moved"
      for job in [moved, other, started, later] { try await store.submit(job) }
      try await store.assignExecutors(["moved": .task, "other": .process, "unheard": .thread])
      #expect(try await store.job(moved.id)?.executor == .task)
      #expect(try await store.job(later.id)?.executor == .task)
      #expect(try await store.job(other.id) == other)
      #expect(try await store.job(started.id) == started)
      #expect(try await store.claim(jobs.request(9, .task)).map(\.id) == [moved.id])
    }
  }

  @Test("the depth counts what has not ended", arguments: StoreUnderTest.all)
  func depth(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      #expect(try await store.depth() == StoreDepth(scheduled: 0, queued: [:], running: 0, oldestQueuedAt: nil))
      let oldest = jobs.queued(priority: -5, executor: .task)
      for job in [
        oldest, jobs.queued(), jobs.queued(), jobs.running(), jobs.scheduled(at: jobs.now),
        jobs.succeeded(jobs.running()),
      ] { try await store.submit(job) }
      let expected = StoreDepth(
        scheduled: 1, queued: [.task: 1, .process: 2], running: 1, oldestQueuedAt: oldest.queuedAt)
      #expect(try await store.depth() == expected)
    }
  }

  @Test("lists are newest first, by any filter, page by page", arguments: StoreUnderTest.all)
  func lists(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      var all: [Job] = []
      for number in 0..<60 {
        let handler = number % 3 == 0 ? "a" : "b"
        let running = jobs.running(handler)
        let job =
          switch number % 6 {
          case 0: jobs.queued(handler, queue: number % 4 == 0 ? "default" : "slow")
          case 1: running
          case 2: jobs.failed(running)
          case 3: jobs.cancelled(running)
          case 4: jobs.scheduled(at: jobs.now)
          default: jobs.succeeded(running)
          }
        try await store.submit(job)
        all.insert(job, at: 0)
      }
      for state in JobState.allCases.map(Optional.some) + [nil] {
        for (handler, queue) in [(nil, nil), ("a", nil), (nil, "slow"), ("b", "default")] as [(String?, String?)] {
          let fitting = all.filter {
            (state == nil || $0.state == state) && (handler == nil || $0.handler == handler)
              && (queue == nil || $0.queue == queue)
          }
          let filter = JobFilter(state: state, handler: handler, queue: queue)
          for limit in [1, 7, 100] { #expect(try await pages(store, filter, limit) == fitting) }
        }
      }
      #expect(try await store.list(JobFilter(), before: nil, limit: 0).jobs.isEmpty)
    }
  }

  @Test("a page of large jobs is short, so that no list takes the memory of many", arguments: StoreUnderTest.all)
  func largeJobs(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      var all: [Job] = []
      for _ in 0..<5 {
        var job = jobs.queued("a")
        job.input = .json(Array("\"\(String(repeating: "x", count: 3 << 20))\"".utf8))
        try await store.submit(job)
        all.insert(job, at: 0)
      }
      let first = try await store.list(JobFilter(), before: nil, limit: 50)
      #expect(first.jobs.count == 2 && first.next == first.jobs.last?.id)
      #expect(try await pages(store, JobFilter(), 50).map(\.id) == all.map(\.id))
    }
  }

  /// All pages of a list, joined.
  private func pages(_ store: any JobStore, _ filter: JobFilter, _ limit: Int) async throws -> [Job] {
    var jobs: [Job] = []
    var before: JobID?
    for _ in 0..<100 {
      let page = try await store.list(filter, before: before, limit: limit)
      #expect(page.jobs.count <= limit)
      jobs += page.jobs
      guard let next = page.next else { return jobs }
      before = next
    }
    Issue.record("the list has no end")
    return jobs
  }
}
