import Glibc
import Synchronization

/// What the threads of a ``ThreadPool`` share: the calls that wait, and those that run.
final class ThreadQueue: @unchecked Sendable {
  // @unchecked: all is touched under the mutex; mutex and condition live in one place, as long as this object.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: ArraySlice<LocalWork> = []
  private var running: [ObjectIdentifier: LocalWork] = [:]
  private var threads = 0
  private var isClosed = false
  private var whenGone: [@Sendable () -> Void] = []

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func startThread() {
    withLock { threads += 1 }
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { queue in
        if let queue { Unmanaged<ThreadQueue>.fromOpaque(queue).takeRetainedValue().serve() }
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(failure == 0, "no thread for a pool: error \(failure)")
    pthread_detach(thread)
  }

  /// False: it is closed, and nobody would ever run the call.
  func add(_ call: LocalWork) -> Bool {
    withLock {
      if isClosed { return false }
      waiting.append(call)
      pthread_cond_signal(condition)
      return true
    }
  }

  /// The threads end as soon as they have nothing to do. What is there is given back.
  @discardableResult
  func close() -> [LocalWork] {
    withLock {
      isClosed = true
      pthread_cond_broadcast(condition)
      defer { waiting = [] }
      return Array(running.values) + waiting
    }
  }

  /// Calls `body` when the last thread is about to end.
  func whenGone(_ body: @escaping @Sendable () -> Void) {
    let isGone = withLock {
      if threads > 0 { whenGone.append(body) }
      return threads == 0
    }
    if isGone { body() }
  }

  /// The life of a thread.
  private func serve() {
    let executor: WorkerExecutor
    do {
      executor = try WorkerExecutor()
    } catch {
      preconditionFailure("no executor for a pool's thread: \(error)")
    }
    while let call = take() {
      run(call, on: executor)
      withLock { running[ObjectIdentifier(call)] = nil }
    }
    let told = withLock {
      threads -= 1
      return threads == 0 ? whenGone : []
    }
    for body in told { body() }
  }

  /// Runs one call to its end: its task's every step on this thread.
  private func run(_ call: LocalWork, on executor: WorkerExecutor) {
    let isDone = Flag()
    let begins = call.run { body in
      Task(executorPreference: executor) {
        await body()
        isDone.raise()
      }
    }
    while begins && !isDone.isRaised {
      executor.runJobs(until: { isDone.isRaised })
      if !isDone.isRaised && executor.prepareToSleep() {
        var watched = pollfd(fd: executor.wakeDescriptor, events: Int16(POLLIN), revents: 0)
        poll(&watched, 1, -1)
        executor.clearWake()
      }
    }
  }

  private func take() -> LocalWork? {
    withLock {
      while waiting.isEmpty && !isClosed { pthread_cond_wait(condition, mutex) }
      guard let call = waiting.popFirst() else { return nil }
      running[ObjectIdentifier(call)] = call
      return call
    }
  }

  private func withLock<Result>(_ body: () -> Result) -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return body()
  }
}

/// Raised once, by one thread for another.
private final class Flag: Sendable {
  private let state = Atomic(false)
  var isRaised: Bool { state.load(ordering: .acquiring) }
  func raise() { state.store(true, ordering: .releasing) }
}
