import JobModel
import JobStore
import Testing

@Suite("Store exam: keys that limit what runs at once")
struct ExamOfKeys {
  private static let two = KeyLimits(["free": 0, "narrow": 1], others: 2)

  @Test("no more jobs of a key run than may, and the others pass them by", arguments: StoreUnderTest.all)
  func limit(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: Self.two) { store async throws in
      let jobs = TestJobs(store)
      let line = (0..<6).map { _ in jobs.keyed("k") }
      let (other, plain) = (jobs.keyed("other"), jobs.queued())
      for job in line + [other, plain] { try await store.submit(job) }
      let claimed = try await store.claim(jobs.request(9))
      #expect(claimed.map(\.id) == [line[0].id, line[1].id, other.id, plain.id])
      #expect(try await store.claim(jobs.request(9)).isEmpty)
      // As one ends the next may begin, in order, until none is left.
      var running = Array(claimed[..<2])
      for next in line[2...] {
        let ended = running.removeFirst()
        _ = try await store.finishIfStillOwned(jobs.succeeded(ended), owner: jobs.owner, attempt: 1)
        let found = try await store.claim(jobs.request(9))
        #expect(found.map(\.id) == [next.id])
        running += found
      }
      #expect(try await store.depth().queued.isEmpty)
    }
  }

  @Test("a handler's own limit counts for its jobs, and 0 is none", arguments: StoreUnderTest.all)
  func byHandler(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: Self.two) { store async throws in
      let jobs = TestJobs(store)
      for _ in 0..<5 { try await store.submit(jobs.keyed("a", "narrow")) }
      for _ in 0..<5 { try await store.submit(jobs.keyed("b", "free")) }
      for _ in 0..<5 { try await store.submit(jobs.keyed("a", "noop")) }
      let claimed = try await store.claim(jobs.request(99))
      // What runs of a key counts whatever its handler: one narrow one, and so one more beside it.
      #expect(claimed.count { $0.handler == "narrow" } == 1 && claimed.count { $0.handler == "noop" } == 1)
      #expect(claimed.count { $0.handler == "free" } == 5)
    }
  }

  @Test("of the jobs with a key, the one of highest priority goes first", arguments: StoreUnderTest.all)
  func priorities(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      var line: [Job] = []
      for priority in [0, 5, -5, 9, 0, 9, 1] {
        line.append(jobs.keyed("k", priority: priority))
        try await store.submit(line[line.count - 1])
      }
      line.sort { ($0.priority, $1.queuedAt) > ($1.priority, $0.queuedAt) }
      var order: [JobID] = []
      while let job = try await store.claim(jobs.request(9)).first {
        order.append(job.id)
        _ = try await store.finishIfStillOwned(jobs.succeeded(job), owner: jobs.owner, attempt: 1)
      }
      #expect(order == line.map(\.id))
    }
  }

  @Test(
    "whatever takes a job of a key away lets another in: failed, given back, cancelled, lost",
    arguments: StoreUnderTest.all)
  func everyWayOut(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      let line = (0..<7).map { _ in jobs.keyed("k") }
      for job in line { try await store.submit(job) }
      func next() async throws -> Job {
        let found = try await store.claim(jobs.request(9))
        #expect(found.count == 1)
        return try #require(found.first)
      }
      func end(_ job: Job) async throws {
        _ = try await store.finishIfStillOwned(job, owner: jobs.owner, attempt: job.attempt)
      }
      try await end(jobs.failed(try await next()))
      // Given back, it is the first again.
      let second = try await next()
      var back = second.unclaimed()
      #expect(try await store.finishIfStillOwned(back, owner: jobs.owner, attempt: 1) != .notOwned)
      back = try await next()
      #expect(back.id == second.id)
      try await end(jobs.cancelled(back))
      // The one in line is cancelled before it starts; the held ones behind it are not forgotten.
      let expiry = jobs.now.advanced(by: .seconds(60))
      _ = try await store.requestCancel(line[2].id, now: jobs.now, expiresAt: expiry)
      let fourth = try await next()
      #expect(fourth.id == line[3].id)
      // Its acceptor is killed.
      _ = try await store.rescueAbandoned(live: [], now: jobs.now, expiresAt: expiry)
      let rescued = try await next()
      #expect(rescued.id == line[3].id && rescued.attempt == 2)
      try await end(jobs.succeeded(rescued))
      // A held one is cancelled, and retried.
      _ = try await store.requestCancel(line[6].id, now: jobs.now, expiresAt: expiry)
      guard case .queued = try await store.retry(line[6].id, now: jobs.now) else {
        Issue.record("it was not queued once more")
        return
      }
      for expected in line[4...] {
        let job = try await next()
        #expect(job.id == expected.id)
        try await end(jobs.succeeded(job))
      }
      #expect(try await store.claim(jobs.request(9)).isEmpty)
      #expect(try await store.depth().queued.isEmpty)
    }
  }

  @Test("a job of a full key does not start at once", arguments: StoreUnderTest.all)
  func atOnce(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      func start() -> Job { jobs.keyed("k").claimed(by: jobs.owner, runBy: jobs.runBy, now: jobs.now) }
      let (first, second) = (start(), start())
      #expect(try await store.submit(first) == .stored(first))
      guard case .stored(let waiting) = try await store.submit(second) else {
        Issue.record("it was not stored")
        return
      }
      #expect(waiting.state == .queued && waiting.attempt == 0)
      #expect(try await store.job(second.id) == waiting)
      _ = try await store.finishIfStillOwned(jobs.succeeded(first), owner: jobs.owner, attempt: 1)
      #expect(try await store.claim(jobs.request(9)).map(\.id) == [second.id])
    }
  }

  @Test("a key's groups in paused queues do not keep its other jobs back", arguments: StoreUnderTest.all)
  func pausedGroup(_ kind: StoreUnderTest) async throws {
    try await kind.with(keyLimits: KeyLimits(others: 1)) { store async throws in
      let jobs = TestJobs(store)
      let stopped = (0..<3).map { _ in jobs.keyed("k", queue: "stopped") }
      let open = (0..<3).map { _ in jobs.keyed("k", queue: "open") }
      _ = try await store.setPaused(true, queue: "stopped", now: jobs.now)
      for job in stopped + open { try await store.submit(job) }
      for expected in open {
        let claimed = try await store.claim(jobs.request(9))
        #expect(claimed.map(\.id) == [expected.id])
        for job in claimed {
          _ = try await store.finishIfStillOwned(jobs.succeeded(job), owner: jobs.owner, attempt: 1)
        }
      }
      #expect(try await store.claim(jobs.request(9)).isEmpty)
      _ = try await store.setPaused(false, queue: "stopped", now: jobs.now)
      #expect(try await store.claim(jobs.request(9)).map(\.id) == [stopped[0].id])
    }
  }

  @Test("after a limit was raised, the held jobs are let in", arguments: StoreUnderTest.all)
  func raised(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let narrow = try place.open(KeyLimits(others: 1))
    let jobs = TestJobs(narrow)
    for _ in 0..<6 { try await narrow.submit(jobs.keyed("k")) }
    #expect(try await narrow.claim(jobs.request(9)).count == 1)
    #expect(try await narrow.releaseHeld().isEmpty)
    await narrow.close()
    let wide = try place.open(KeyLimits(others: 4))
    #expect(try await wide.releaseHeld() == [.process])
    #expect(try await wide.claim(jobs.request(9)).count == 3)
    await wide.close()
    let open = try place.open()
    #expect(try await open.releaseHeld() == [.process])
    #expect(try await open.claim(jobs.request(9)).count == 2)
    await open.close()
  }

  @Test("claimed and finished by many at once, a key never has more running than it may", arguments: StoreUnderTest.all)
  func concurrently(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let stores = [try place.open(KeyLimits(others: 2)), try place.open(KeyLimits(others: 2))]
    let jobs = TestJobs(stores[0])
    let keys: [String?] = ["a", "b", nil]
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<300 {
        group.addTask { try await stores[number % 2].submit(jobs.keyed(keys[number % 3], priority: number % 5)) }
      }
      try await group.waitForAll()
    }
    let finished = try await withThrowingTaskGroup(of: Int.self) { group in
      for number in 0..<8 {
        group.addTask {
          let store = stores[number % 2]
          var count = 0
          while true {
            let claimed = try await store.claim(jobs.request(3))
            let running = try await store.list(JobFilter(state: .running), before: nil, limit: 200).jobs
            for key in ["a", "b"] { #expect(running.count { $0.concurrencyKey == key } <= 2) }
            for job in claimed {
              let receipt = try await store.finishIfStillOwned(jobs.succeeded(job), owner: jobs.owner, attempt: 1)
              if case .written = receipt { count += 1 }
            }
            // Jobs that others hold running come back to the line of their key only when these end.
            if claimed.isEmpty, try await store.depth().queued.isEmpty { return count }
          }
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(finished == 300)
    for store in stores { await store.close() }
  }
}
