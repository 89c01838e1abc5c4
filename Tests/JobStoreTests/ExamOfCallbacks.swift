import JobModel
import JobStore
import Testing

@Suite("Store exam: callbacks")
struct ExamOfCallbacks {
  private static let lease = Duration.seconds(30)

  private func request(
    _ now: Timestamp, limit: Int = 9, perHost: Int = 9, underWay: [String: Int] = [:], after: String? = nil
  ) -> CallbackClaimRequest {
    CallbackClaimRequest(
      now: now, leaseUntil: now.advanced(by: Self.lease), limit: limit, limitPerHost: perHost, underWay: underWay,
      after: after)
  }

  private func running(_ jobs: TestJobs, _ url: String, owner: OwnerID? = nil) -> Job {
    var job = jobs.running(owner: owner)
    job.callbackURL = url
    return job
  }

  /// A job that has ended and is to be told of.
  private func ended(_ store: any JobStore, _ jobs: TestJobs, _ url: String = "http://a.test/hook") async throws -> Job
  {
    let job = running(jobs, url)
    try await store.submit(job)
    let ended = jobs.succeeded(job)
    _ = try await store.finishIfStillOwned(ended, owner: jobs.owner, attempt: 1)
    return ended
  }

  @Test(
    "every way to end enters a callback, where the job has a URL, and no other change does",
    arguments: StoreUnderTest.all)
  func everyEnd(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let gone = OwnerID(number: 77)
      let (finishing, cancelled, lost) = (
        running(jobs, "http://a.test/1"),
        {
          var job = jobs.queued(); job.callbackURL = "http://a.test/2"; return job
        }(),
        {
          var job = running(jobs, "http://a.test/3", owner: gone); job.lostCount = 9; return job
        }()
      )
      let plain = jobs.running()
      for job in [finishing, cancelled, lost, plain] { try await store.submit(job) }
      #expect(try await store.nextCallbackDue() == nil)
      _ = try await store.finishIfStillOwned(jobs.succeeded(plain), owner: jobs.owner, attempt: 1)
      _ = try await store.recordProgressIfStillOwned(
        [ProgressUpdate(id: finishing.id, progress: nil, runBy: jobs.runBy)], owner: jobs.owner)
      #expect(try await store.nextCallbackDue() == nil)
      _ = try await store.finishIfStillOwned(jobs.failed(finishing), owner: jobs.owner, attempt: 1)
      _ = try await store.requestCancel(cancelled.id, now: jobs.now, expiresAt: jobs.now)
      _ = try await store.rescueAbandoned(live: [jobs.owner], now: jobs.now, expiresAt: jobs.now)
      let claims = try await store.claimCallbacks(request(jobs.now)).claims
      #expect(claims.map(\.url) == ["http://a.test/1", "http://a.test/2", "http://a.test/3"])
      #expect(claims.allSatisfy { $0.attempt == 1 && $0.host == "a.test" })
      for claim in claims { #expect(try await store.job(claim.job)?.revision == claim.revision) }
    }
  }

  @Test(
    "a callback that was taken is nobody else's until its lease ends, and then is taken over",
    arguments: StoreUnderTest.all)
  func lease(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = try await ended(store, jobs)
      #expect(try await store.nextCallbackDue() == job.finishedAt)
      let now = jobs.now
      let first = try #require(try await store.claimCallbacks(request(now)).claims.first)
      #expect(try await store.claimCallbacks(request(jobs.now)).claims == [])
      #expect(try await store.nextCallbackDue() == now.advanced(by: Self.lease))
      let second = try #require(try await store.claimCallbacks(request(now.advanced(by: Self.lease))).claims.first)
      #expect(second.job == job.id && second.attempt == 2)
      // What the first has to say comes too late.
      #expect(try await !store.recordCallback(first, CallbackDelivery(state: .failed, attempts: 1)))
      let delivered = CallbackDelivery(state: .delivered, attempts: 2, lastStatus: 204)
      #expect(try await store.recordCallback(second, delivered))
      #expect(try await !store.recordCallback(second, delivered))
      #expect(try await store.nextCallbackDue() == nil)
      #expect(try await store.job(job.id)?.callback == delivered)
    }
  }

  @Test("a job shows what became of its callback, and an untried one nothing", arguments: StoreUnderTest.all)
  func shown(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = try await ended(store, jobs)
      #expect(try await store.job(job.id) == job)
      let claim = try #require(try await store.claimCallbacks(request(jobs.now)).claims.first)
      let later = jobs.now.advanced(by: .seconds(5))
      let failing = CallbackDelivery(
        attempts: 1, lastStatus: 500, lastError: "the answer's status was 500", nextAttemptAt: later)
      #expect(try await store.recordCallback(claim, failing))
      #expect(try await store.job(job.id)?.callback == failing)
      #expect(try await store.list(JobFilter(), before: nil, limit: 1).jobs.first?.callback == failing)
      #expect(try await store.claimCallbacks(request(later.advanced(by: .microseconds(-1)))).claims == [])
      #expect(try await store.claimCallbacks(request(later)).claims.map(\.attempt) == [2])
    }
  }

  @Test("hosts take turns, and one that has enough under way is passed over", arguments: StoreUnderTest.all)
  func turns(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      for host in ["slow", "slow", "slow", "slow", "b", "c", "c"] {
        _ = try await ended(store, jobs, "http://\(host).test/")
      }
      let first = try await store.claimCallbacks(request(jobs.now, limit: 4, perHost: 2, underWay: ["slow.test": 2]))
      #expect(first.claims.map(\.host) == ["b.test", "c.test", "c.test"])
      let second = try await store.claimCallbacks(request(jobs.now, limit: 1, perHost: 2, after: "c.test"))
      #expect(second.claims.map(\.host) == ["slow.test"] && second.last == "slow.test")
      // Whose turn it was is last in the next round, and comes to it all the same.
      let third = try await store.claimCallbacks(request(jobs.now, limit: 9, perHost: 2, after: "slow.test"))
      #expect(third.claims.map(\.host) == ["slow.test", "slow.test"])
      #expect(try await store.claimCallbacks(request(jobs.now, perHost: 1, after: "gone.test")).claims.count == 1)
      #expect(try await store.claimCallbacks(request(jobs.now)).claims == [])
    }
  }

  @Test("a job that is tried again or deleted takes its callback along", arguments: StoreUnderTest.all)
  func withTheJob(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let deleted = try await ended(store, jobs)
      let retried = running(jobs, "http://b.test/")
      try await store.submit(retried)
      _ = try await store.finishIfStillOwned(jobs.failed(retried), owner: jobs.owner, attempt: 1)
      let claims = try await store.claimCallbacks(request(jobs.now)).claims
      #expect(claims.count == 2)
      _ = try await store.delete(deleted.id)
      _ = try await store.retry(retried.id, now: jobs.now)
      #expect(try await store.nextCallbackDue() == nil)
      for claim in claims {
        #expect(try await !store.recordCallback(claim, CallbackDelivery(state: .delivered, attempts: 1)))
      }
      // Its next end is another thing to tell.
      let again = try #require(try await store.claim(jobs.request(1)).first)
      #expect(again.callbackURL == "http://b.test/" && again.callback == nil)
      _ = try await store.finishIfStillOwned(jobs.succeeded(again), owner: jobs.owner, attempt: again.attempt)
      let claim = try #require(try await store.claimCallbacks(request(jobs.now)).claims.first)
      #expect(claim.attempt == 1 && claim.revision > claims[1].revision)
    }
  }

  @Test("a job is not removed for its age while its callback is pending", arguments: StoreUnderTest.all)
  func expiry(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = try await ended(store, jobs)
      let plain = jobs.running()
      try await store.submit(plain)
      _ = try await store.finishIfStillOwned(jobs.succeeded(plain), owner: jobs.owner, attempt: 1)
      let old = jobs.now.advanced(by: .seconds(3600))
      #expect(try await store.removeExpired(now: old, limit: 9).ids == [plain.id])
      let claim = try #require(try await store.claimCallbacks(request(jobs.now)).claims.first)
      #expect(try await store.removeExpired(now: old, limit: 9).ids == [])
      #expect(try await store.recordCallback(claim, CallbackDelivery(state: .failed, attempts: 1)))
      #expect(try await store.removeExpired(now: old, limit: 9).ids == [job.id])
    }
  }
}
