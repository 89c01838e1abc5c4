import Glibc
import Synchronization

/// A fixed set of threads, each a task executor of its own: a handler of executor `thread` runs on one of them from its
/// first line to its last, and may compute as long as it likes without holding up the cooperative pool.
final class ThreadExecutors: Sendable {
  private let threads: [ThreadExecutor]
  private let turn = Atomic<Int>(0)

  init(count: Int) { threads = (0..<count).map { _ in ThreadExecutor() } }

  /// The thread with the fewest jobs on it, by turns among equals.
  func next() -> ThreadExecutor {
    let start = turn.wrappingAdd(1, ordering: .relaxed).newValue
    let rotated = threads.indices.map { threads[($0 &+ start) % threads.count] }
    return rotated.min { $0.waiting < $1.waiting } ?? threads[0]
  }
}

final class ThreadExecutor: TaskExecutor, @unchecked Sendable {
  // @unchecked: `jobs` is touched only between `pthread_mutex_lock` and `unlock`; the pointers are constant and live as
  // long as the process, because the thread never ends.
  private var jobs: [UnownedJob] = []
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private let count = Atomic<Int>(0)

  /// Jobs that wait or run.
  var waiting: Int { count.load(ordering: .relaxed) }

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self).toOpaque()
    let failure = pthread_create(
      &thread, nil,
      { context in
        Unmanaged<ThreadExecutor>.fromOpaque(context!).takeRetainedValue().serve()
      }, context)
    precondition(failure == 0, "pthread_create failed with error \(failure)")
    pthread_detach(thread)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    count.wrappingAdd(1, ordering: .relaxed)
    pthread_mutex_lock(mutex)
    jobs.append(job)
    pthread_mutex_unlock(mutex)
    pthread_cond_signal(condition)
  }

  private func serve() -> Never {
    while true {
      pthread_mutex_lock(mutex)
      while jobs.isEmpty { pthread_cond_wait(condition, mutex) }
      let job = jobs.removeFirst()
      pthread_mutex_unlock(mutex)
      job.runSynchronously(on: asUnownedTaskExecutor())
      count.wrappingSubtract(1, ordering: .relaxed)
    }
  }
}
