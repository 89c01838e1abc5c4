import JobModel
import JobStore
import Testing

@Suite("Store exam: batches")
struct ExamOfBatches {
  @Test("a batch is all there with one write, and its inputs become jobs in steps", arguments: StoreUnderTest.all)
  func openAndFill(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let batch = jobs.batch(total: 5)
      try await store.openBatch(batch)
      #expect(try await store.batch(batch.id) == batch)
      #expect(batch.counts.queued == 5 && !batch.isDone && batch.hasWork)
      #expect(try await store.spoolFileNames() == [batch.inputFile])
      #expect(try await store.depth().queued == [.process: 5])
      let (first, rows) = try await jobs.fill(store, batch, 2, offset: 20)
      #expect(first.filled == 2 && first.inputOffset == 20 && first.counts == batch.counts)
      #expect(try await store.depth().queued == [.process: 5])
      // One step is done once, whoever tries it again.
      #expect(try await store.fillBatch(batch, rows, inputOffset: 20, now: jobs.now, expiresAt: jobs.now) == nil)
      let (whole, rest) = try await jobs.fill(store, first, 3, offset: 50)
      #expect(whole.filled == 5 && whole.inputFile == nil && !whole.hasWork)
      #expect(try await store.spoolFileNames() == [])
      for (index, job) in (rows + rest).enumerated() {
        #expect(job.batch == BatchPlace(batch: batch.id, index: index))
        #expect(try await store.job(job.id) == job)
      }
      #expect(try await store.claim(jobs.request(9)).map(\.id) == (rows + rest).map(\.id))
    }
  }

  @Test(
    "the counts follow every way that a job can take, and a batch goes with its last job", arguments: StoreUnderTest.all
  )
  func counts(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (batch, rows) = try await jobs.filled(store, 6)
      func counts() async throws -> [Int] {
        let counts = try #require(try await store.batch(batch.id)).counts
        return JobState.allCases.map { counts[$0] }
      }
      #expect(try await counts() == [0, 6, 0, 0, 0, 0])
      let running = try await store.claim(jobs.request(5))
      #expect(try await counts() == [0, 1, 5, 0, 0, 0])
      let (ok, bad, again, lost, stopped) = (running[0], running[1], running[2], running[3], running[4])
      _ = try await store.finishIfStillOwned(jobs.succeeded(ok), owner: jobs.owner, attempt: 1)
      _ = try await store.finishIfStillOwned(jobs.failed(bad), owner: jobs.owner, attempt: 1)
      #expect(try await counts() == [0, 1, 3, 1, 1, 0])
      var retrying = jobs.failed(again)
      retrying.state = .scheduled
      retrying.scheduledAt = jobs.now
      _ = try await store.finishIfStillOwned(retrying, owner: jobs.owner, attempt: 1)
      #expect(try await counts() == [1, 1, 2, 1, 1, 0])
      let promotion = try await store.promoteDue(now: jobs.now, limit: 9)
      #expect(promotion.promoted.map(\.batch) == [batch.id])
      #expect(try await counts() == [0, 2, 2, 1, 1, 0])
      _ = try await store.requestCancel(stopped.id, now: jobs.now, expiresAt: jobs.now)
      _ = try await store.rescueAbandoned(live: [], now: jobs.now, expiresAt: jobs.now)
      #expect(try await counts() == [0, 3, 0, 1, 1, 1])
      #expect(try await store.batch(batch.id)?.finishedAt == nil)
      for job in [rows[5], again, lost] {
        _ = try await store.requestCancel(job.id, now: jobs.now, expiresAt: jobs.now)
      }
      let done = try #require(try await store.batch(batch.id))
      #expect(done.isDone && done.finishedAt != nil && done.counts.cancelled == 4 && done.ends == 6)
      _ = try await store.retry(bad.id, now: jobs.now)
      let reopened = try #require(try await store.batch(batch.id))
      #expect(!reopened.isDone && reopened.finishedAt == nil && reopened.counts.queued == 1)
      _ = try await store.requestCancel(bad.id, now: jobs.now, expiresAt: jobs.now)
      #expect(try await store.delete(ok.id) == .deleted(spoolFiles: [], batch: batch.id))
      #expect(try await counts() == [0, 0, 0, 0, 0, 5])
      // One job ended twice, and one that ended is gone.
      #expect(try await store.batch(batch.id)?.ends == 7)
      let removal = try await store.removeExpired(now: jobs.now.advanced(by: .seconds(9999)), limit: 99)
      #expect(removal.ids.count == 5 && removal.batches == [batch.id])
      #expect(try await store.batch(batch.id) == nil)
      #expect(try await store.batches(before: nil, limit: 9).isEmpty)
    }
  }

  @Test("results come in the order of ends or of inputs, and go on behind a cursor", arguments: StoreUnderTest.all)
  func results(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (batch, _) = try await jobs.filled(store, 4)
      let running = try await store.claim(jobs.request(4))
      func read(_ order: BatchOrder, _ cursor: Int = -1) async throws -> BatchResultPage {
        try #require(try await store.batchResults(batch.id, order, after: cursor))
      }
      #expect(try await read(.completed) == BatchResultPage(results: [], hasMore: false, isDone: false))
      // A moment that is earlier, written later, still comes later.
      let (late, early) = (jobs.succeeded(running[2]), jobs.failed(running[1]))
      _ = try await store.finishIfStillOwned(early, owner: jobs.owner, attempt: 1)
      let seen = try await read(.completed)
      #expect(seen.results.map(\.index) == [1] && seen.results[0].error?.kind == .crashed)
      _ = try await store.finishIfStillOwned(late, owner: jobs.owner, attempt: 1)
      #expect(try await read(.completed, seen.results[0].cursor).results.map(\.index) == [2])
      #expect(try await read(.submitted).results.isEmpty, "the first input has not ended")
      for place in [0, 3] {
        _ = try await store.finishIfStillOwned(jobs.succeeded(running[place]), owner: jobs.owner, attempt: 1)
      }
      let whole = try await read(.completed)
      #expect(whole.results.map(\.index) == [1, 2, 0, 3] && whole.isDone && !whole.hasMore)
      #expect(whole.results[1].result == late.result && whole.results[1].id == late.id)
      let inOrder = try await read(.submitted)
      #expect(inOrder.results.map(\.index) == [0, 1, 2, 3] && inOrder.isDone)
      #expect(try await read(.submitted, inOrder.results[1].cursor).results.map(\.index) == [2, 3])
      // Tried again, it is gone from both until it has ended again.
      _ = try await store.retry(early.id, now: jobs.now)
      #expect(try await read(.completed).results.map(\.index) == [2, 0, 3])
      #expect(try await read(.submitted).results.map(\.index) == [0])
      let again = try #require(try await store.claim(jobs.request(1)).first)
      _ = try await store.finishIfStillOwned(jobs.succeeded(again), owner: jobs.owner, attempt: 2)
      #expect(try await read(.completed, try #require(whole.results.last).cursor).results.map(\.index) == [1])
      #expect(try await store.batchResults(jobs.batch(total: 1).id, .completed, after: -1) == nil)
    }
  }

  @Test("a page of results is bounded, by their number and by their size", arguments: StoreUnderTest.all)
  func pages(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (batch, _) = try await jobs.filled(store, 12)
      let large = [UInt8](repeating: UInt8(ascii: "1"), count: 50_000)
      for job in try await store.claim(jobs.request(12)) {
        _ = try await store.finishIfStillOwned(jobs.succeeded(job, .bytes(large)), owner: jobs.owner, attempt: 1)
      }
      for order in BatchOrder.allCases {
        var (indexes, cursor, turns): ([Int], Int, Int) = ([], -1, 0)
        while turns < 20 {
          turns += 1
          let page = try #require(try await store.batchResults(batch.id, order, after: cursor))
          #expect(page.results.count < 5)
          indexes += page.results.map(\.index)
          cursor = page.results.last?.cursor ?? cursor
          if !page.hasMore { break }
        }
        #expect(indexes == Array(0..<12))
      }
    }
  }

  @Test(
    "a cancelled batch: what waits ends, what runs is marked, what is no job yet never starts",
    arguments: StoreUnderTest.all)
  func cancel(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let opened = jobs.batch(total: 6)
      try await store.openBatch(opened)
      _ = try await jobs.fill(store, opened, 4, offset: 9)
      let running = try await store.claim(jobs.request(2))
      _ = try await store.finishIfStillOwned(jobs.succeeded(running[0]), owner: jobs.owner, attempt: 1)
      let other = OwnerID(number: 99)
      guard case .stopping(var batch) = try await store.requestBatchCancel(opened.id, owner: other) else {
        Issue.record("a batch that runs was not cancelled")
        return
      }
      #expect(batch.toCancel == 0..<4 && batch.owner == other)
      // The one before has nothing to say any more.
      #expect(try await store.cancelNext(of: opened, now: jobs.now, expiresAt: jobs.now) == nil)
      let step = try #require(try await store.cancelNext(of: batch, now: jobs.now, expiresAt: jobs.now))
      #expect(step.cancelled.map(\.batch?.index) == [2, 3] && step.stopping.map(\.id) == [running[1].id])
      #expect(step.batch.toCancel.isEmpty && step.batch.hasWork && !step.batch.isDone)
      batch = try await jobs.fill(store, step.batch, 2, offset: 20).batch
      #expect(!batch.hasWork && batch.counts.running == 1 && batch.counts.cancelled == 4)
      #expect(try await store.claim(jobs.request(9)).isEmpty)
      _ = try await store.finishIfStillOwned(jobs.cancelled(running[1]), owner: jobs.owner, attempt: 1)
      let done = try #require(try await store.batch(batch.id))
      #expect(done.isDone && done.counts.cancelled == 5 && done.counts.succeeded == 1)
      #expect(try await store.requestBatchCancel(batch.id, owner: other) == .alreadyEnded(done))
      #expect(try await store.requestBatchCancel(jobs.batch(total: 1).id, owner: other) == .unknown)
      #expect(try await store.batchResults(batch.id, .submitted, after: -1)?.results.count == 6)
    }
  }

  @Test("what a dead owner left is adopted once, and nothing else", arguments: StoreUnderTest.all)
  func adopt(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let (half, whole) = (jobs.batch(total: 2), try await jobs.filled(store, 1).batch)
      try await store.openBatch(half)
      #expect(try await store.adoptBatches(live: [jobs.owner], owner: OwnerID(number: 5)).isEmpty)
      let adopted = try await store.adoptBatches(live: [OwnerID(number: 5)], owner: OwnerID(number: 5))
      #expect(adopted.map(\.id) == [half.id] && adopted.first?.owner == OwnerID(number: 5))
      #expect(try await store.adoptBatches(live: [OwnerID(number: 5)], owner: OwnerID(number: 6)).isEmpty)
      #expect(
        try await store.fillBatch(half, jobs.rows(half, 2), inputOffset: 9, now: jobs.now, expiresAt: jobs.now) == nil)
      #expect(try await store.batch(whole.id)?.owner == jobs.owner)
    }
  }

  @Test("batches are listed newest first, and the jobs of one are found among others", arguments: StoreUnderTest.all)
  func lists(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      var batches: [Batch] = []
      var expected: [Job] = []
      for _ in 0..<3 {
        let opened = jobs.batch(total: 40)
        try await store.openBatch(opened)
        var batch = opened
        var rows: [Job] = []
        for step in 1...4 {
          let filled = try await jobs.fill(store, batch, 10, offset: step)
          (batch, rows) = (filled.batch, rows + filled.rows)
          try await store.submit(jobs.queued())
        }
        batches.insert(batch, at: 0)
        if batches.count == 2 { expected = rows.reversed() }
      }
      #expect(try await store.batches(before: nil, limit: 9) == batches)
      #expect(try await store.batches(before: batches[0].id, limit: 1) == [batches[1]])
      for limit in [7, 40, 99] {
        var (found, next): ([Job], JobID?) = ([], nil)
        repeat {
          let page = try await store.list(JobFilter(batch: batches[1].id), before: next, limit: limit)
          found += page.jobs
          next = page.next
        } while next != nil
        #expect(found == expected)
      }
      #expect(try await store.list(JobFilter(state: .failed, batch: batches[1].id), before: nil, limit: 9).jobs.isEmpty)
    }
  }
}

extension TestJobs {
  /// A batch whose inputs would be in a file of that name.
  func batch(total: Int) -> Batch {
    var prototype = queued()
    prototype.trace = TraceContext(
      parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", state: "one=1, two=2")
    return Batch(
      id: prototype.id, total: total, chunkSize: 1, prototype: prototype, inputFile: SpoolFolder.newName(), owner: owner
    )
  }

  /// The next jobs of a batch.
  func rows(_ batch: Batch, _ count: Int) -> [Job] {
    (0..<count).map { batch.job(id: queued().id, index: batch.filled + $0, args: Array("{\"n\": \($0)}".utf8)) }
  }

  func fill(
    _ store: any JobStore, _ batch: Batch, _ count: Int, offset: Int
  ) async throws -> (batch: Batch, rows: [Job]) {
    let rows = rows(batch, count)
    let filled = try await store.fillBatch(
      batch, rows, inputOffset: offset, now: now, expiresAt: now.advanced(by: .seconds(60)))
    return (try #require(filled), rows)
  }

  /// A batch all of whose inputs are jobs.
  func filled(_ store: any JobStore, _ count: Int) async throws -> (batch: Batch, rows: [Job]) {
    let batch = batch(total: count)
    try await store.openBatch(batch)
    return try await fill(store, batch, count, offset: count)
  }
}
