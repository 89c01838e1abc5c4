import JobModel
import JobStore
import Testing

@Suite("Store exam: schedules")
struct ExamOfSchedules {
  private func schedule(_ name: String, next: Timestamp?, cron: String = "0 3 * * *", now: Timestamp) -> Schedule {
    Schedule(
      name: name, cron: cron, timeZone: "Europe/Paris", job: Array(#"{"handler": "noop", "args": 1.0}"#.utf8),
      isPaused: next == nil, missed: .once, nextRunAt: next, now: now)
  }

  private func put(_ store: any JobStore, _ schedule: Schedule) async throws {
    guard case .created = try await store.putSchedule(schedule, if: .none, limit: 99) else {
      throw StoreError(.duplicate, operation: "put", cause: "the test's schedule was there")
    }
  }

  @Test("a schedule comes back as it was put, and is listed by its name", arguments: StoreUnderTest.all)
  func putAndList(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let now = TestJobs(store).now
      let made = ["b", "a", "c"].map { schedule($0, next: $0 == "c" ? nil : now, now: now) }
      for one in made { #expect(try await store.putSchedule(one, if: .mustNotExist, limit: 3) == .created(one)) }
      for one in made { #expect(try await store.schedule(one.name) == one) }
      #expect(try await store.schedule("d") == nil)
      #expect(try await store.schedules(after: nil, limit: 2).map(\.name) == ["a", "b"])
      #expect(try await store.schedules(after: "b", limit: 2) == [made[2]])
      #expect(try await store.putSchedule(schedule("d", next: now, now: now), if: .none, limit: 3) == .tooMany)
      // Replacing is always possible.
      #expect(try await store.putSchedule(made[0], if: .none, limit: 3) == .replaced(made[0].replacing(made[0])))
    }
  }

  @Test("a put or delete whose condition does not hold changes nothing", arguments: StoreUnderTest.all)
  func conditions(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let now = TestJobs(store).now
      let first = schedule("a", next: now, now: now)
      for condition in [ScheduleCondition.mustExist, .mustBe([first.version])] {
        #expect(try await store.putSchedule(first, if: condition, limit: 9) == .conditionFailed)
        #expect(try await store.deleteSchedule("a", if: condition) == .conditionFailed)
      }
      #expect(try await store.deleteSchedule("a", if: .none) == .unknown)
      try await put(store, first)
      #expect(try await store.putSchedule(first, if: .mustNotExist, limit: 9) == .conditionFailed)
      guard case .replaced(let second) = try await store.putSchedule(first, if: .mustBe([first.version]), limit: 9)
      else {
        Issue.record("the schedule was not replaced")
        return
      }
      #expect(second.revision == 2)
      #expect(try await store.putSchedule(first, if: .mustBe([first.version]), limit: 9) == .conditionFailed)
      #expect(try await store.deleteSchedule("a", if: .mustBe([first.version])) == .conditionFailed)
      #expect(try await store.schedule("a") == second)
      #expect(try await store.deleteSchedule("a", if: .mustBe([first.version, second.version])) == .deleted)
      #expect(try await store.schedule("a") == nil)
    }
  }

  @Test("what is due comes earliest first, and paused ones never", arguments: StoreUnderTest.all)
  func due(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let now = TestJobs(store).now
      #expect(try await store.nextScheduledRun() == nil)
      for (name, seconds) in [("late", 3), ("early", 1), ("later", 9)] {
        try await put(store, schedule(name, next: now.advanced(by: .seconds(seconds)), now: now))
      }
      try await put(store, schedule("paused", next: nil, now: now))
      #expect(try await store.nextScheduledRun() == now.advanced(by: .seconds(1)))
      #expect(try await store.dueSchedules(now: now, limit: 9) == [])
      #expect(
        try await store.dueSchedules(now: now.advanced(by: .seconds(3)), limit: 9).map(\.name) == ["early", "late"])
      #expect(try await store.dueSchedules(now: now.advanced(by: .seconds(3)), limit: 1).map(\.name) == ["early"])
    }
  }

  @Test("a run is made once, however many saw it due at the same time", arguments: StoreUnderTest.all)
  func onlyOnce(_ kind: StoreUnderTest) async throws {
    let place = try kind.makePlace()
    defer { place.remove() }
    // As many acceptors have it open.
    let stores = try (0..<4).map { _ in try place.open() }
    let jobs = TestJobs(stores[0])
    let known = schedule("a", next: jobs.now, now: jobs.now)
    try await put(stores[0], known)
    let advances = try await withThrowingTaskGroup(of: ScheduleAdvance.self) { group in
      for store in stores {
        for _ in 0..<5 {
          let job = jobs.queued()
          let next = known.ran(at: jobs.now, .submitted(job.id), next: jobs.now.advanced(by: .seconds(60)))
          group.addTask { try await store.advanceSchedule(known, .submit(job, to: next, otherwise: next)) }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(advances.count { $0 != .changedMeanwhile } == 1)
    let made = try await stores[1].list(JobFilter(), before: nil, limit: 50).jobs
    #expect(made.count == 1)
    let after = try #require(try await stores[2].schedule("a"))
    #expect(after.lastJob == made.first?.id && after.revision == 2)
    for store in stores { await store.close() }
  }

  @Test("a run that was planned before the schedule was changed or deleted is not made", arguments: StoreUnderTest.all)
  func changedMeanwhile(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let known = schedule("a", next: jobs.now, now: jobs.now)
      try await put(store, known)
      _ = try await store.putSchedule(known, if: .none, limit: 9)
      func fire() async throws -> ScheduleAdvance {
        let job = jobs.queued()
        let next = known.ran(at: jobs.now, .submitted(job.id), next: nil)
        return try await store.advanceSchedule(known, .submit(job, to: next, otherwise: next))
      }
      #expect(try await fire() == .changedMeanwhile)
      _ = try await store.deleteSchedule("a", if: .none)
      #expect(try await fire() == .changedMeanwhile)
      // Another of the same name begins with the same revision.
      try await put(store, schedule("a", next: known.nextRunAt, now: jobs.now))
      #expect(try await fire() == .changedMeanwhile)
      #expect(try await store.list(JobFilter(), before: nil, limit: 9).jobs == [])
    }
  }

  @Test("a run whose job cannot be stored leaves the schedule as it was", arguments: StoreUnderTest.all)
  func together(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      let known = schedule("a", next: jobs.now, now: jobs.now)
      try await put(store, known)
      let taken = jobs.queued()
      try await store.submit(taken)
      await #expect(throws: StoreError.self) {
        let next = known.ran(at: jobs.now, .submitted(taken.id), next: nil)
        return try await store.advanceSchedule(known, .submit(taken, to: next, otherwise: next))
      }
      #expect(try await store.schedule("a") == known)
    }
  }

  @Test("a run whose unique key is taken makes no job, and moves on all the same", arguments: StoreUnderTest.all)
  func uniqueKey(_ kind: StoreUnderTest) async throws {
    try await kind.with { store async throws in
      let jobs = TestJobs(store)
      var known = schedule("a", next: jobs.now, now: jobs.now)
      try await put(store, known)
      func run() async throws -> ScheduleAdvance {
        var job = jobs.queued()
        job.uniqueKey = "one"
        let now = jobs.now
        let made = known.ran(at: now, .submitted(job.id), next: now.advanced(by: .seconds(60)))
        let other = known.ran(at: now, .overlapping, next: now.advanced(by: .seconds(60)))
        let advance = try await store.advanceSchedule(known, .submit(job, to: made, otherwise: other))
        known = try #require(try await store.schedule("a"))
        return advance
      }
      guard case .written(let first?) = try await run() else {
        Issue.record("the first run made no job")
        return
      }
      #expect(known.lastJob == first.id && known.lastError == nil)
      #expect(try await run() == .written(nil))
      #expect(known.lastJob == first.id && known.lastError != nil && known.revision == 3)
      _ = try await store.requestCancel(first.id, now: jobs.now, expiresAt: jobs.now)
      guard case .written(let third?) = try await run() else {
        Issue.record("the third run made no job")
        return
      }
      #expect(known.lastJob == third.id && known.lastError == nil)
    }
  }
}
