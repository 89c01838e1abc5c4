import Foundation
import JobModel
import JobStore
import Testing

/// An implementation that sits the exam.
struct StoreUnderTest: Sendable, CustomTestStringConvertible {
  let testDescription: String
  /// An empty store's place.
  let makePlace: @Sendable () throws -> any StorePlace

  static let all = [StoreUnderTest(testDescription: "SQLite") { try SQLitePlace() }]

  /// Runs `body` with a new store, which is closed and removed afterwards.
  func with(
    keyLimits: KeyLimits = KeyLimits(), _ body: (any JobStore) async throws -> Void
  ) async throws {
    let place = try makePlace()
    defer { place.remove() }
    let store = try place.open(keyLimits)
    do {
      try await body(store)
    } catch {
      await store.close()
      throw error
    }
    await store.close()
  }
}

/// Where one test's store is kept; it can be opened several times, as by several processes.
protocol StorePlace: Sendable {
  func open(_ keyLimits: KeyLimits) throws -> any JobStore
  func remove()
}

extension StorePlace {
  func open() throws -> any JobStore { try open(KeyLimits()) }
}

struct SQLitePlace: StorePlace {
  let folder: String
  var path: String { "\(folder)/jobs.sqlite" }

  init(prepared: Bool = true) throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    if prepared { try SQLiteJobStore.prepare(path: path) }
  }

  func open(_ keyLimits: KeyLimits) throws -> any JobStore {
    try SQLiteJobStore.open(path: path, keyLimits: keyLimits)
  }

  func remove() {
    do {
      try FileManager.default.removeItem(atPath: folder)
    } catch {
      Issue.record("the test's folder cannot be removed: \(error)")
    }
  }
}

/// Makes jobs; each is a moment younger than the last.
final class TestJobs: @unchecked Sendable {
  // @unchecked: `issuer` and `clock` are guarded by `lock`.
  private let lock = NSLock()
  private var issuer: JobIDIssuer
  private var clock = Timestamp(microseconds: 1_800_000_000_000_000)

  let owner = OwnerID(number: 11)
  let runBy = RunBy(node: "host", acceptor: 0, pid: 4242)

  init(_ store: any JobStore) { issuer = JobIDIssuer(key: store.idKey) }

  var now: Timestamp {
    lock.withLock {
      clock = clock.advanced(by: .milliseconds(1))
      return clock
    }
  }

  func queued(
    _ handler: String = "noop", priority: Int = 0, executor: Executor = .process, queue: String = "default",
    maxAttempts: Int = 1, input: JobInput = .json(Array("{}".utf8))
  ) -> Job {
    let now = now
    let id = lock.withLock { issuer.next(now: now) }
    return Job(
      id: id, handler: handler, queue: queue, executor: executor, state: .queued, priority: priority, input: input,
      maxAttempts: maxAttempts, timeout: .seconds(30), metadata: Array(#"{"a": 1.0}"#.utf8), createdAt: now)
  }

  /// A queued job with a key.
  func keyed(_ key: String?, _ handler: String = "noop", priority: Int = 0, queue: String = "default") -> Job {
    var job = queued(handler, priority: priority, queue: queue)
    job.concurrencyKey = key
    return job
  }

  /// A queued job with a unique key.
  func unique(_ key: String?) -> Job {
    var job = queued()
    job.uniqueKey = key
    return job
  }

  func scheduled(at due: Timestamp) -> Job {
    var job = queued()
    job.state = .scheduled
    job.scheduledAt = due
    return job
  }

  func running(_ handler: String = "noop", maxAttempts: Int = 1, owner: OwnerID? = nil) -> Job {
    queued(handler, maxAttempts: maxAttempts).claimed(by: owner ?? self.owner, runBy: runBy, now: now)
  }

  func request(_ limit: Int, _ executor: Executor = .process) -> ClaimRequest {
    ClaimRequest(executor: executor, limit: limit, owner: owner, runBy: runBy, now: now)
  }

  func succeeded(_ job: Job, _ body: JobResult.Body = .bytes(Array("{}".utf8))) -> Job {
    job.ended(
      .succeeded(JobResult(mediaType: "application/json", byteCount: 2, body: body)),
      usage: JobUsage(queued: .microseconds(5), wall: .milliseconds(2), cpu: nil, maxResidentBytes: 1 << 20), now: now,
      retention: .seconds(60), jitter: 0)
  }

  func failed(_ job: Job, _ kind: JobError.Kind = .crashed) -> Job {
    job.ended(
      .failed(
        JobError(kind, "no\u{0} good", attempt: job.attempt, signal: "SIGSEGV", exitStatus: 3, backtrace: "at main")),
      usage: JobUsage(queued: .zero, wall: .seconds(1), cpu: .seconds(1), maxResidentBytes: nil), now: now,
      retention: .seconds(60), jitter: 0)
  }

  func cancelled(_ job: Job) -> Job {
    job.ended(
      .cancelled(JobError(.cancelled, "asked to", attempt: job.attempt)), usage: nil, now: now, retention: .seconds(60),
      jitter: 0)
  }
}
