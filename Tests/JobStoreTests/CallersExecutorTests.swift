import Dispatch
import JobModel
import JobStore
import Synchronization
import Testing

/// An executor that counts what it is given to run.
private final class CountingExecutor: SerialExecutor {
  let count = Atomic<Int>(0)
  private let queue = DispatchQueue(label: "counting")

  func enqueue(_ job: consuming ExecutorJob) {
    count.add(1, ordering: .relaxed)
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }
}

/// Calls a store as the event loop does.
private actor Caller {
  private let executor = CountingExecutor()
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// How often the caller had to be run again for one submit.
  func resumptions(of store: any JobStore, _ job: Job) async -> Int {
    let before = executor.count.load(ordering: .relaxed)
    do throws(StoreError) {
      try await store.submit(job)
    } catch {
      // Refused on purpose.
    }
    return executor.count.load(ordering: .relaxed) - before
  }
}

@Suite("The caller's executor")
struct CallersExecutorTests {
  @Test("a verb runs on its caller's executor up to its wait: it costs one resumption, and none if refused at once")
  func staysThere() async throws {
    let place = try SQLitePlace()
    defer { place.remove() }
    let store = try place.open()
    let job = TestJobs(store).queued()
    let caller = Caller()
    #expect(await caller.resumptions(of: store, job) == 1)
    await store.close()
    #expect(await caller.resumptions(of: store, job) == 0)
  }
}
