import Foundation
import GRDB
import JobModel
import Testing

@testable import JobStore

@Suite("Files of earlier versions")
struct MigrationTests {
  /// A place without a file.
  private func with(_ body: (SQLitePlace) async throws -> Void) async throws {
    let place = try SQLitePlace(prepared: false)
    defer { place.remove() }
    try await body(place)
  }

  @Test("a file of the first version keeps its jobs when it is brought to the present one")
  func migrateFromFirst() async throws {
    try await with { place in
      let queue = try DatabaseQueue(path: place.path)
      let id = JobID(high: 0x019a_0000_0000_7000, low: 0x8000_0000_0000_0001)
      try await queue.writeWithoutTransaction { database in
        try SQLiteSchema.migrate(database, to: 1)
        let bytes = withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { Data($0) }
        try database.execute(
          sql: """
            INSERT INTO job (id, state, executor, priority, attempt, max_attempts, lost_count, handed_back_count,
              cancel_requested, revision, handler, queue, created_at, queued_at, args, metadata)
            VALUES (?, 1, 2, 7, 0, 3, 0, 0, 0, 5, 'noop', 'default', 11, 12, '{"a":1}', '{}')
            """, arguments: [bytes])
      }
      try queue.close()
      try SQLiteJobStore.prepare(path: place.path)
      let store = try place.open()
      let job = try #require(try await store.job(id))
      #expect(job.priority == 7 && job.maxAttempts == 3 && job.revision == 5 && job.handler == "noop")
      #expect(job.input == .json(Array(#"{"a":1}"#.utf8)) && job.uniqueKey == nil && job.batch == nil)
      // The present indexes know it.
      #expect(try await store.depth().queued == [job.executor: 1])
      #expect(try await store.claim(TestJobs(store).request(9, job.executor)).map(\.id) == [id])
      await store.close()
    }
  }

  @Test("a file of the second version keeps its batches, and counts them on without tables in memory")
  func migrateFromSecond() async throws {
    try await with { place in
      let queue = try DatabaseQueue(path: place.path)
      try await queue.writeWithoutTransaction { try SQLiteSchema.migrate($0, to: 2) }
      try queue.close()
      // What both versions write alike is written by this one.
      try SQLiteJobStore.prepare(path: place.path)
      let store = try place.open()
      let jobs = TestJobs(store)
      let (batch, _) = try await jobs.filled(store, 2)
      let claimed = try await store.claim(jobs.request(2))
      await store.close()
      let trigger = "SELECT sql FROM sqlite_schema WHERE name = 'batch_job_moved'"
      let present = try await DatabaseQueue(path: place.path).read { try String.fetchOne($0, sql: trigger) }
      #expect(present?.contains(" IN (") == false)

      // Back to the second version, with what is in it.
      let older = try await DatabaseQueue().writeWithoutTransaction { database in
        try SQLiteSchema.migrate(database, to: 2)
        return try #require(try String.fetchOne(database, sql: trigger))
      }
      try await DatabaseQueue(path: place.path).write { database in
        try database.execute(sql: "DROP TRIGGER batch_job_moved; \(older); PRAGMA user_version = 2")
      }
      #expect(throws: StoreError.self) { try place.open() }
      try SQLiteJobStore.prepare(path: place.path)
      let again = try place.open()
      for job in claimed {
        let ended = jobs.succeeded(job)
        _ = try await again.finishIfStillOwned(ended, owner: jobs.owner, attempt: 1)
        #expect(try await again.job(job.id) == ended)
      }
      let found = try #require(try await again.batch(batch.id))
      #expect(found.counts[.succeeded] == 2 && found.counts[.running] == 0 && found.finishedAt != nil)
      await again.close()
    }
  }
}
