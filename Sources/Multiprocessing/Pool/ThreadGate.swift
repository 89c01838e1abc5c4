import EventLoop
import Glibc

/// Blocks a thread until another opens it; any thread but the event loop's.
final class ThreadGate: @unchecked Sendable {
  // @unchecked: all is touched under the mutex; mutex and condition live in one place, as long as this object.
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isOpen = false

  init() {
    pthread_mutex_init(mutex, nil)
    // Not the wall clock, which may be set (pthread_condattr_setclock(3)).
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func open() {
    pthread_mutex_lock(mutex)
    isOpen = true
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// True: it was opened; false: the time is over.
  func wait(_ limit: Duration?) -> Bool {
    precondition(
      !EpollLoop.shared.isOwnedByCurrentThread, "the event loop's thread must not block: it brings the results")
    let due = limit.map { MonotonicClock.now &+ $0.nanosecondsClamped }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !isOpen {
      if let due {
        var time = timespec(tv_sec: Int(due / 1_000_000_000), tv_nsec: Int(due % 1_000_000_000))
        if pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { return isOpen }
      } else {
        pthread_cond_wait(condition, mutex)
      }
    }
    return true
  }
}
