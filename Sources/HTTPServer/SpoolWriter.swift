import EventLoop
import Glibc

/// Writes spooled bodies, on one thread of its own: the loop never waits for a disk. What waits here is bounded by the
/// uploads, each of which hands over little at a time.
final class SpoolWriter: @unchecked Sendable {
  // @unchecked: `work` is touched under `mutex` only.

  /// Made at first use, and so in the process that uses it: threads do not survive a fork.
  static let shared = SpoolWriter()

  private enum Work {
    case write(SpoolFile, [UInt8], then: Completion)
    case sync(SpoolFile, then: Completion)
    case discard(SpoolFile)
  }
  /// Called on the loop with an errno, or 0.
  typealias Completion = @LoopActor @Sendable (Int32) -> Void

  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let filled = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var work: [Work] = []

  private init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(filled, nil)
    var thread = pthread_t()
    // The thread is given its writer, and does not ask for `shared`, which this thread is still making: in a forked process
    // a contended `once` never ends, because Swift's runtime remembers the parent's thread id (it unlocks a futex(2) with
    // FUTEX_UNLOCK_PI, which fails for any thread but the one that the word names).
    let started = pthread_create(
      &thread, nil,
      { writer in
        guard let writer else { preconditionFailure("the thread was given its writer") }
        Unmanaged<SpoolWriter>.fromOpaque(writer).takeRetainedValue().run()
      }, Unmanaged.passRetained(self).toOpaque())
    precondition(started == 0, "no thread can be started: error \(started)")
    pthread_detach(thread)
  }

  /// Appends to the file, which is made when it does not exist yet.
  func write(_ bytes: [UInt8], to file: SpoolFile, then: @escaping Completion) {
    add(.write(file, bytes, then: then))
  }

  /// Makes what was written durable, the file's name included, and closes it.
  func sync(_ file: SpoolFile, then: @escaping Completion) { add(.sync(file, then: then)) }

  /// Removes the file, if it was ever made.
  func discard(_ file: SpoolFile) { add(.discard(file)) }

  private func add(_ item: Work) {
    pthread_mutex_lock(mutex)
    work.append(item)
    pthread_cond_signal(filled)
    pthread_mutex_unlock(mutex)
  }

  private func run() -> Never {
    var taken: [Work] = []
    while true {
      pthread_mutex_lock(mutex)
      while work.isEmpty { pthread_cond_wait(filled, mutex) }
      swap(&work, &taken)
      pthread_mutex_unlock(mutex)
      for item in taken {
        switch item {
        case .write(let file, let bytes, let then): report(file.append(bytes), then)
        case .sync(let file, let then): report(file.sync(), then)
        case .discard(let file): file.discard()
        }
      }
      taken.removeAll(keepingCapacity: true)
    }
  }

  private func report(_ error: Int32, _ then: @escaping Completion) {
    Task { @LoopActor in then(error) }
  }
}
