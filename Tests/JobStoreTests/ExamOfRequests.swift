import JobModel
import JobStore
import Testing

@Suite("Store exam: unique keys and remembered requests")
struct ExamOfRequests {
  @Test("while a job with a unique key has not ended, no second one is made", arguments: StoreUnderTest.all)
  func unique(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (first, second, third) = (jobs.unique("u"), jobs.unique("u"), jobs.unique("u"))
      #expect(try await store.submit(first) == .stored(first))
      #expect(try await store.submit(second) == .uniqueKeyTaken(first))
      #expect(try await store.job(second.id) == nil)
      let running = try #require(try await store.claim(jobs.request(1)).first)
      #expect(try await store.submit(second) == .uniqueKeyTaken(running))
      let failed = jobs.failed(running)
      _ = try await store.finishIfStillOwned(failed, owner: jobs.owner, attempt: 1)
      #expect(try await store.submit(second) == .stored(second))
      // The key is taken: the first cannot come back until the second has ended.
      #expect(try await store.retry(first.id, now: jobs.now) == .uniqueKeyTaken(second))
      #expect(try await store.submit(third) == .uniqueKeyTaken(second))
      _ = try await store.requestCancel(second.id, now: jobs.now, expiresAt: jobs.now)
      guard case .queued(let again) = try await store.retry(first.id, now: jobs.now) else {
        Issue.record("it was not queued once more")
        return
      }
      #expect(try await store.submit(third) == .uniqueKeyTaken(again))
    }
  }

  @Test("held and scheduled jobs keep their unique key too", arguments: StoreUnderTest.all)
  func uniqueInEveryState(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      var held = jobs.keyed("k")
      held.uniqueKey = "held"
      var scheduled = jobs.scheduled(at: jobs.now)
      scheduled.uniqueKey = "scheduled"
      for job in [jobs.keyed("k"), held, scheduled] { try await store.submit(job) }
      #expect(try await store.submit(jobs.unique("held")) == .uniqueKeyTaken(held))
      #expect(try await store.submit(jobs.unique("scheduled")) == .uniqueKeyTaken(scheduled))
    }
  }

  @Test("submits with one unique key from all sides make one job", arguments: StoreUnderTest.all)
  func uniqueConcurrently(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let stores = [try place.open(), try place.open()]
    let jobs = TestJobs(stores[0])
    let ids = try await withThrowingTaskGroup(of: JobID?.self) { group in
      for number in 0..<50 {
        group.addTask {
          switch try await stores[number % 2].submit(jobs.unique("u")) {
          case .stored(let job), .uniqueKeyTaken(let job): job.id
          default: nil
          }
        }
      }
      return try await group.reduce(into: Set<JobID?>()) { $0.insert($1) }
    }
    #expect(ids.count == 1 && !ids.contains(nil))
    #expect(try await stores[0].depth().queued == [.process: 1])
    for store in stores { await store.close() }
  }

  private func request(
    _ key: String, _ fingerprint: UInt8 = 1, scope: String = "", reply: String? = nil, handledBy: OwnerID? = nil,
    at now: Timestamp
  ) -> IdempotentRequest {
    IdempotentRequest(
      scope: scope, key: key, fingerprint: [fingerprint], reply: reply.map { Array($0.utf8) }, handledBy: handledBy,
      expiresAt: now.advanced(by: .seconds(60)))
  }

  @Test("a request that comes again makes nothing and is told what was replied", arguments: StoreUnderTest.all)
  func repeated(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let first = jobs.queued()
      let original = request("k", reply: "{}", at: first.createdAt)
      #expect(try await store.submit(first, for: original) == .stored(first))
      let known = SubmitReceipt.repeated(RememberedReply(job: first.id, madeJob: true, body: Array("{}".utf8)))
      #expect(try await store.submit(jobs.queued(), for: original) == known)
      #expect(try await store.submit(jobs.queued(), for: request("k", 2, at: jobs.now)) == .keyOfAnotherRequest)
      // Somebody else's key, and another key.
      let others = [request("k", scope: "else", at: jobs.now), request("l", at: jobs.now)]
      for other in others {
        let job = jobs.queued()
        #expect(try await store.submit(job, for: other) == .stored(job))
      }
      #expect(try await store.depth().queued == [.process: 3])
      // It is remembered when its job is not.
      _ = try await store.requestCancel(first.id, now: jobs.now, expiresAt: jobs.now)
      _ = try await store.delete(first.id)
      #expect(try await store.submit(jobs.queued(), for: original) == known)
    }
  }

  @Test(
    "a request whose reply waits for the job is being handled, until it ends or its acceptor does",
    arguments: StoreUnderTest.all)
  func handled(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      for wayOut in 0..<2 {
        let job = jobs.queued()
        let original = request("k\(wayOut)", handledBy: jobs.owner, at: job.createdAt)
        #expect(try await store.submit(job, for: original) == .stored(job))
        #expect(try await store.submit(jobs.queued(), for: original) == .beingHandled)
        let (now, expiry) = (jobs.now, jobs.now)
        _ = try await store.rescueAbandoned(live: [jobs.owner], now: now, expiresAt: expiry)
        #expect(try await store.submit(jobs.queued(), for: original) == .beingHandled)
        if wayOut == 0 {
          try await store.endHandling(scope: "", key: "k0")
        } else {
          _ = try await store.rescueAbandoned(live: [], now: now, expiresAt: expiry)
        }
        let known = SubmitReceipt.repeated(RememberedReply(job: job.id, madeJob: true, body: nil))
        #expect(try await store.submit(jobs.queued(), for: original) == known)
      }
    }
  }

  @Test("a request that met a unique key is remembered with that job", arguments: StoreUnderTest.all)
  func repeatedUnique(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let holder = jobs.unique("u")
      try await store.submit(holder)
      let original = request("k", reply: "never", at: jobs.now)
      #expect(try await store.submit(jobs.unique("u"), for: original) == .uniqueKeyTaken(holder))
      let known = SubmitReceipt.repeated(RememberedReply(job: holder.id, madeJob: false, body: nil))
      #expect(try await store.submit(jobs.unique("u"), for: original) == known)
    }
  }

  @Test("requests are forgotten when their time is over, the oldest first", arguments: StoreUnderTest.all)
  func forgotten(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      var requests: [IdempotentRequest] = []
      for number in 0..<5 {
        let job = jobs.queued()
        requests.append(request("k\(number)", at: job.createdAt))
        try await store.submit(job, for: requests[number])
      }
      #expect(try await store.forgetRequests(now: jobs.now, limit: 9) == 0)
      let later = requests[2].expiresAt
      #expect(try await store.forgetRequests(now: later, limit: 2) == 2)
      #expect(try await store.forgetRequests(now: later, limit: 2) == 1)
      #expect(try await store.forgetRequests(now: later, limit: 2) == 0)
      // One whose time is over does not count, even before it is forgotten.
      var late = jobs.queued()
      late.createdAt = requests[3].expiresAt
      #expect(try await store.submit(late, for: requests[3]) == .stored(late))
      #expect(try await store.submit(jobs.queued(), for: requests[4]) != .stored(late))
    }
  }

  @Test("50 requests with one key, from two processes at once, make one job", arguments: StoreUnderTest.all)
  func repeatedConcurrently(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let stores = [try place.open(), try place.open()]
    let jobs = TestJobs(stores[0])
    let original = request("k", at: jobs.now)
    let made = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<50 {
        group.addTask {
          if case .stored = try await stores[number % 2].submit(jobs.queued(), for: original) { true } else { false }
        }
      }
      return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    #expect(made == 1)
    #expect(try await stores[0].depth().queued == [.process: 1])
    for store in stores { await store.close() }
  }
}
