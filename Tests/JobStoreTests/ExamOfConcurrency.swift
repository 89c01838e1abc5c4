import JobModel
import JobStore
import Testing

@Suite("Store exam: concurrency and durability")
struct ExamOfConcurrency {
  @Test("200 concurrent claims never hand a job to two", arguments: StoreUnderTest.all)
  func claims(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let stores = [try place.open(), try place.open()]
    let jobs = TestJobs(stores[0])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<500 { group.addTask { try await stores[0].submit(jobs.queued()) } }
      try await group.waitForAll()
    }
    let claimed = try await withThrowingTaskGroup(of: [Job].self) { group in
      for number in 0..<200 { group.addTask { try await stores[number % 2].claim(jobs.request(3)) } }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(claimed.count == 500)
    #expect(Set(claimed.map(\.id)).count == 500)
    for store in stores { await store.close() }
  }

  @Test(
    "a job that is cancelled while it is claimed is either cancelled or running, never both",
    arguments: StoreUnderTest.all)
  func cancelAgainstClaim(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      for _ in 0..<100 {
        let job = jobs.queued()
        try await store.submit(job)
        async let cancel = store.requestCancel(job.id, now: jobs.now, expiresAt: jobs.now)
        async let claim = store.claim(jobs.request(1))
        let (decision, claimed) = try await (cancel, claim)
        switch decision {
        case .cancelled: #expect(claimed.isEmpty)
        case .stopping(let marked): #expect(claimed.map(\.id) == [marked.id])
        case .alreadyEnded, .unknown: Issue.record("the job was neither waiting nor running")
        }
      }
    }
  }

  @Test("jobs that are submitted, claimed and finished all at once all end, once", arguments: StoreUnderTest.all)
  func claimsWhileFinishing(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let finished = try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<50 {
          group.addTask {
            var finished = 0
            for _ in 0..<10 {
              try await store.submit(jobs.queued())
              for job in try await store.claim(jobs.request(2)) {
                let receipt = try await store.finishIfStillOwned(jobs.succeeded(job), owner: jobs.owner, attempt: 1)
                if case .written = receipt { finished += 1 }
              }
            }
            return finished
          }
        }
        return try await group.reduce(0, +)
      }
      let left = try await store.depth().queued[.process] ?? 0
      #expect(finished + left == 500)
    }
  }

  @Test("a submit with a taken id fails alone, and its neighbours are stored", arguments: StoreUnderTest.all)
  func duplicate(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let job = jobs.queued()
      try await store.submit(job)
      let others = (0..<100).map { _ in jobs.queued() }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for other in others {
          group.addTask { try await store.submit(other) }
          group.addTask {
            do throws(StoreError) {
              try await store.submit(job)
              Issue.record("the id was taken twice")
            } catch {
              #expect(error.kind == .duplicate)
            }
          }
        }
        try await group.waitForAll()
      }
      for other in others { #expect(try await store.job(other.id) == other) }
      #expect(try await store.depth().queued == [.process: 101])
    }
  }

  @Test("what one process wrote, another sees at once", arguments: StoreUnderTest.all)
  func visibility(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let (writer, reader) = (try place.open(), try place.open())
    #expect(writer.idKey == reader.idKey)
    let jobs = TestJobs(writer)
    for _ in 0..<50 {
      let job = jobs.running()
      try await writer.submit(job)
      #expect(try await reader.job(job.id) == job)
      let ended = jobs.succeeded(job)
      _ = try await writer.finishIfStillOwned(ended, owner: jobs.owner, attempt: 1)
      #expect(try await reader.job(job.id) == ended)
    }
    await writer.close()
    await reader.close()
  }

  @Test("a store that is opened again has its jobs and its id key", arguments: StoreUnderTest.all)
  func reopen(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let first = try place.open()
    let jobs = TestJobs(first)
    let job = jobs.queued()
    try await first.submit(job)
    await first.close()
    let second = try place.open()
    #expect(second.idKey == first.idKey)
    #expect(try await second.job(job.id) == job)
    await second.close()
  }

  @Test("a closed store refuses every verb, and may be closed again", arguments: StoreUnderTest.all)
  func closed(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      await store.close()
      await store.close()
      do throws(StoreError) {
        try await store.submit(jobs.queued())
        Issue.record("a closed store took a job")
      } catch {
        #expect(error.kind == .closed)
      }
      do throws(StoreError) {
        _ = try await store.depth()
        Issue.record("a closed store was read")
      } catch {
        #expect(error.kind == .closed)
      }
    }
  }

  @Test(
    "what is under way when the store is closed is finished or refused, never forgotten", arguments: StoreUnderTest.all)
  func closedUnderWay(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    let store = try place.open()
    let jobs = TestJobs(store)
    let stored = try await withThrowingTaskGroup(of: JobID?.self) { group in
      for number in 0..<200 {
        group.addTask {
          if number == 100 {
            await store.close()
            return nil
          }
          let job = jobs.queued()
          do throws(StoreError) {
            try await store.submit(job)
            return job.id
          } catch {
            #expect(error.kind == .closed)
            return nil
          }
        }
      }
      return try await group.reduce(into: [JobID]()) { ids, id in if let id { ids.append(id) } }
    }
    let again = try place.open()
    for id in stored { #expect(try await again.job(id) != nil) }
    #expect(try await again.depth().queued[.process] ?? 0 == stored.count)
    await again.close()
  }
}
