import CLinux
import Glibc

/// A mutex in shared memory that the kernel takes away from a holder that dies (pthread_mutexattr_setrobust(3)), in whatever
/// instruction: the C library keeps a list of what each thread holds, and the kernel walks it at the thread's end
/// (get_robust_list(2)).
struct RobustMutex: @unchecked Sendable {
  // @unchecked: a mutex is there to be used by many threads; the memory is kept by whoever keeps this.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>

  /// How a lock was got.
  enum Grant {
    case clean
    /// The holder before died with it: what it guards may be half changed.
    case afterDeath
  }

  /// A mutex that is there already.
  init(at address: UnsafeMutableRawPointer) {
    mutex = address.assumingMemoryBound(to: pthread_mutex_t.self)
  }

  /// A new one, in zeroed memory.
  ///
  /// - Parameter isRecursive: whether its holder may take it once more.
  init(makingAt address: UnsafeMutableRawPointer, isRecursive: Bool) throws(MultiprocessingError) {
    self.init(at: address.initializeMemory(as: pthread_mutex_t.self, to: pthread_mutex_t()))
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    defer { pthread_mutexattr_destroy(&attributes) }
    let type = isRecursive ? PTHREAD_MUTEX_RECURSIVE : PTHREAD_MUTEX_ERRORCHECK
    for code in [
      pthread_mutexattr_setpshared(&attributes, Int32(PTHREAD_PROCESS_SHARED)),
      pthread_mutexattr_setrobust(&attributes, Int32(PTHREAD_MUTEX_ROBUST)),
      pthread_mutexattr_settype(&attributes, Int32(type)), pthread_mutex_init(mutex, &attributes),
    ] where code != 0 {
      throw MultiprocessingError("making a lock", code: code)
    }
  }

  func lock() -> Grant { granted(pthread_mutex_lock(mutex))! }

  /// `nil`: another holds it.
  func tryLock() -> Grant? { granted(pthread_mutex_trylock(mutex)) }

  /// Waits until the monotonic clock shows `deadlineNanoseconds`; `nil`: another held it all the time.
  func lock(until deadlineNanoseconds: UInt64) -> Grant? {
    var deadline = timespec()
    deadline.tv_sec = Int(deadlineNanoseconds / 1_000_000_000)
    deadline.tv_nsec = Int(deadlineNanoseconds % 1_000_000_000)
    return granted(linux_mutex_lock_until(mutex, &deadline))
  }

  func unlock() {
    let code = pthread_mutex_unlock(mutex)
    precondition(code == 0, "a shared lock was unlocked by a thread that does not hold it")
  }

  private func granted(_ code: Int32) -> Grant? {
    switch code {
    case 0: return .clean
    case EOWNERDEAD:
      // At once, or the next unlock would make it unusable for ever (ENOTRECOVERABLE).
      pthread_mutex_consistent(mutex)
      return .afterDeath
    case EBUSY, ETIMEDOUT: return nil
    case EDEADLK: preconditionFailure("a thread that holds a shared lock waits for it: it is not a recursive one")
    default: preconditionFailure("the memory of a shared lock was overwritten (error \(code))")
    }
  }
}
