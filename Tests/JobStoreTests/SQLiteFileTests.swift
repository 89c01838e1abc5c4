import Foundation
import GRDB
import JobModel
import Synchronization
import Testing

@testable import JobStore

@Suite("The SQLite file")
struct SQLiteFileTests {
  private func with(prepared: Bool = true, _ body: (SQLitePlace) async throws -> Void) async throws {
    let place = try SQLitePlace(prepared: prepared)
    defer { place.remove() }
    try await body(place)
  }

  private func prepareFails(_ path: String, saying text: String) {
    do throws(StoreError) {
      try SQLiteJobStore.prepare(path: path)
      Issue.record("prepared what cannot serve as a store")
    } catch {
      #expect(error.kind == .unusable)
      #expect(error.cause.contains(text), "\(error)")
    }
  }

  @Test("a new store's files are for their owner alone")
  func modes() async throws {
    try await with { place in
      let store = try place.open()
      try await store.submit(TestJobs(store).queued())
      for suffix in ["", "-wal", "-shm", ".door", ".lock"] {
        var status = stat()
        #expect(lstat(place.path + suffix, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600, "\(suffix)")
      }
      var status = stat()
      #expect(lstat(SQLiteJobStore.spoolPath(place.path), &status) == 0)
      #expect(status.st_mode & 0o777 == 0o700)
      await store.close()
    }
  }

  @Test("preparing again keeps the jobs and the id key")
  func prepareTwice() async throws {
    try await with { place in
      let store = try place.open()
      let job = TestJobs(store).queued()
      try await store.submit(job)
      // While the store is open: as a new generation of acceptors does.
      try SQLiteJobStore.prepare(path: place.path)
      let second = try place.open()
      #expect(second.idKey == store.idKey)
      #expect(try await second.job(job.id) == job)
      await store.close()
      await second.close()
    }
  }

  @Test("a file that is not a database is refused, and left as it was")
  func garbage() async throws {
    try await with(prepared: false) { place in
      let bytes = Data(String(repeating: "garbage ", count: 1000).utf8)
      try bytes.write(to: URL(fileURLWithPath: place.path))
      prepareFails(place.path, saying: "not a database")
      #expect(try Data(contentsOf: URL(fileURLWithPath: place.path)) == bytes)
    }
  }

  @Test("the database of another program is refused")
  func foreign() async throws {
    try await with(prepared: false) { place in
      let queue = try DatabaseQueue(path: place.path)
      try await queue.write { try $0.execute(sql: "CREATE TABLE recipes (name TEXT)") }
      try queue.close()
      prepareFails(place.path, saying: "another program")
    }
  }

  @Test("tables of a newer version are refused, by prepare and by open")
  func newer() async throws {
    try await with { place in
      let queue = try DatabaseQueue(path: place.path)
      try await queue.write { try $0.execute(sql: "PRAGMA user_version = 999") }
      try queue.close()
      prepareFails(place.path, saying: "newer")
      do throws(StoreError) {
        _ = try SQLiteJobStore.open(path: place.path)
        Issue.record("opened tables of a newer version")
      } catch {
        #expect(error.kind == .unusable && error.cause.contains("newer"))
      }
    }
  }

  @Test("a missing folder, and a folder in the file's place, are refused")
  func places() async throws {
    try await with(prepared: false) { place in
      prepareFails(place.folder + "/none/jobs.sqlite", saying: "No such file")
      prepareFails(place.folder, saying: place.folder)
    }
  }

  @Test("a store that was not prepared cannot be opened")
  func unprepared() async throws {
    try await with(prepared: false) { place in
      #expect(throws: StoreError.self) { try SQLiteJobStore.open(path: place.path) }
    }
  }

  @Test("on a full disk writes are refused, what was acknowledged stays, and reads go on")
  func full() async throws {
    try await with { place in
      let store = try SQLiteJobStore.open(path: place.path, pageLimit: 200, onCommit: { _ in })
      let jobs = TestJobs(store)
      let body = JobInput.body(Array(repeating: 1, count: 8192), mediaType: "text/plain", args: [])
      let ended = jobs.succeeded(jobs.running(), .bytes(Array(repeating: 2, count: 40_000)))
      try await store.submit(ended)
      var acknowledged: [Job] = []
      var refusals = 0
      for _ in 0..<300 where refusals < 3 {
        let job = jobs.queued(input: body)
        do throws(StoreError) {
          try await store.submit(job)
          acknowledged.append(job)
        } catch {
          #expect(error.kind == .unavailable)
          #expect(error.cause.contains("full"))
          refusals += 1
        }
      }
      #expect(refusals == 3 && !acknowledged.isEmpty)
      for job in acknowledged { #expect(try await store.job(job.id) == job) }
      // Room is made by removing, and then writes are taken again.
      let removal = try await store.removeExpired(now: try #require(ended.expiresAt), limit: 9)
      #expect(removal.ids == [ended.id])
      try await store.submit(jobs.queued(input: body))
      await store.close()
    }
  }

  @Test("the log stays bounded under constant reads and writes")
  func boundedLog() async throws {
    try await with { place in
      let longest = Mutex(0)
      let store = try SQLiteJobStore.open(path: place.path) { report in
        longest.withLock { $0 = max($0, report.logPages) }
      }
      let jobs = TestJobs(store)
      let body = JobInput.body(Array(repeating: 1, count: 60_000), mediaType: "text/plain", args: [])
      let (known, last) = (jobs.queued(), jobs.queued())
      try await store.submit(known)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<4 {
          group.addTask {
            while try await store.job(last.id) == nil {
              _ = try await store.job(known.id)
              _ = try await store.list(JobFilter(), before: nil, limit: 20)
            }
          }
        }
        group.addTask {
          // 60 MiB a round of 1,024: three times what the log may hold before it starts anew.
          for _ in 0..<3072 { try await store.submit(jobs.queued(input: body)) }
          try await store.submit(last)
        }
        try await group.waitForAll()
      }
      let limit = WriteSession.restartPages + WriteSession.checkpointPages
      #expect(longest.withLock { $0 } < limit)
      await store.close()
    }
  }

  @Test("a commit is reported with the writes it made")
  func commits() async throws {
    try await with { place in
      let writes = Mutex(0)
      let store = try SQLiteJobStore.open(path: place.path) { report in
        writes.withLock { $0 += report.writes }
        #expect(report.duration > .zero)
      }
      let jobs = TestJobs(store)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<100 { group.addTask { try await store.submit(jobs.queued()) } }
        try await group.waitForAll()
      }
      #expect(writes.withLock { $0 } == 100)
      await store.close()
    }
  }

  @Test("opening and closing leaves no descriptor and no thread behind")
  func leaks() async throws {
    try await with { place in
      try await place.open().close()
      func openFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").filter { name in
          (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(name)"))?
            .hasPrefix(place.folder) ?? false
        }
      }
      // The writer's thread lets the lock files go as its last act, a moment after it has said that it is done.
      let clock = ContinuousClock()
      let deadline = clock.now.advanced(by: .seconds(10))
      while try !openFiles().isEmpty, clock.now < deadline { await Task.yield() }
      #expect(try openFiles().isEmpty)
    }
  }
}
