import Configuration
import Glibc
import HandlerAPI
import JobModel
import JobStore
import Logging

/// What the store needs before the first acceptor: its schema, an end for the jobs of a server that died, and no files
/// that nobody refers to. Runs in a child of its own, because it opens the database.
enum StorePreparation {
  /// - Returns: an exit status; what went wrong is on standard error then.
  static func run(_ configuration: ServerConfiguration, _ handlers: HandlerRegistry, _ log: Logger) -> Int32 {
    let path = configuration.store.path
    do {
      try SQLiteJobStore.prepare(path: path)
      let spool = SpoolFolder(path: SQLiteJobStore.spoolPath(path))
      let store = try SQLiteJobStore.open(path: path, keyLimits: handlers.keyLimits)
      var executors: [String: Executor] = [:]
      for handler in handlers { executors[handler.name] = handler.executor }
      let found = executors
      let retention = configuration.retention
      // Nothing else runs in this process: its one thread may wait for the tasks.
      return blocking {
        do {
          let now = Timestamp.now
          let lost = try await store.rescueAbandoned(live: [], now: now, expiresAt: now.advanced(by: retention))
          if !lost.isEmpty {
            log.warning("jobs of a server that ended were rescued", metadata: ["jobs": "\(lost.count)"])
          }
          try await store.assignExecutors(found)
          // No acceptor runs yet, so nobody is writing one.
          _ = try spool.sweep(keeping: try await store.spoolFileNames(), olderThan: .zero)
          if configuration.needsTokens, try await store.tokens().isEmpty {
            log.warning("there is no token yet, and clients need one: see 'millrace tokens create --help'")
          }
          await store.close()
          return 0
        } catch {
          return Service.failAtStore(path, error)
        }
      }
    } catch {
      return Service.failAtStore(path, error)
    }
  }

  private static func blocking(_ body: @escaping @Sendable () async -> Int32) -> Int32 {
    let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    defer { semaphore.deallocate() }
    sem_init(semaphore, 0, 0)
    nonisolated(unsafe) let done = semaphore
    nonisolated(unsafe) let status = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    defer { status.deallocate() }
    status.initialize(to: 1)
    // The two pointers are touched by the task before the post, and by this thread after the wait.
    Task.detached {
      status.pointee = await body()
      sem_post(done)
    }
    while sem_wait(semaphore) != 0 {}
    return status.pointee
  }
}
