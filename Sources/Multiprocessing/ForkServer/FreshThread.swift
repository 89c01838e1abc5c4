import Glibc

/// Lets a forked process do its work on a thread that was born in it.
///
/// The first thread of a forked process has its parent's thread-local memory, and in it what Swift's runtime remembers as
/// this thread's number. The runtime's locks name their owner by that number to the kernel (FUTEX_LOCK_PI, futex(2)). As
/// long as nobody else wants the lock, nothing happens; but when two threads meet at a `static let` that is being
/// initialized, the kernel refuses the unlock of an owner it does not know, and both try again for ever. Seen with Swift
/// 6.3.1: an acceptor hung at its first upload. A thread that is new asks the kernel for its number.
///
/// So whatever process may ever have a second thread runs on a fresh one. Its first thread only waits, and so stays the
/// parent for the death signals of processes it has forked (prctl(2), PR_SET_PDEATHSIG).
public enum FreshThread {
  private final class Work {
    let body: () -> Int32
    var value: Int32 = 0
    init(_ body: @escaping () -> Int32) { self.body = body }
  }

  /// What a handler of a fatal signal needs where the thread's own stack has overflowed. A thread does not inherit it.
  private static let signalStackBytes = 64 * 1024

  /// Runs `body` on a new thread, and gives its value back when it returns.
  public static func run(_ body: @escaping () -> Int32) -> Int32 {
    let work = Work(body)
    var thread = pthread_t()
    let failure = pthread_create(
      &thread, nil,
      { context in
        FreshThread.haveSignalStack()
        let work = Unmanaged<Work>.fromOpaque(context!).takeUnretainedValue()
        work.value = work.body()
        return nil
      }, Unmanaged.passUnretained(work).toOpaque())
    precondition(failure == 0, "pthread_create failed with error \(failure)")
    pthread_join(thread, nil)
    return work.value
  }

  private static func haveSignalStack() {
    // Never freed: it is needed until the thread's, and so the process's, last moment.
    var stack = stack_t()
    stack.ss_sp = malloc(signalStackBytes)
    stack.ss_size = signalStackBytes
    if stack.ss_sp != nil { _ = sigaltstack(&stack, nil) }
  }
}
