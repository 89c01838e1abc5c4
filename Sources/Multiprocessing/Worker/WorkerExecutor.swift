import CLinux
import Glibc
import Synchronization

/// Runs the tasks of a worker's functions on the worker's one thread: a call that awaits nothing starts no other.
final class WorkerExecutor: TaskExecutor {
  private struct Inbox {
    var jobs: [UnownedJob] = []
    /// The thread waits, or is about to: whoever adds a job wakes it.
    var asleep = false
  }

  private let inbox = Mutex(Inbox())
  /// Readable when there is something to do: a job from another thread, or a cancel (its signal handler writes here too).
  let wakeDescriptor: Int32

  init() throws(MultiprocessingError) {
    wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    if wakeDescriptor < 0 { throw MultiprocessingError("eventfd") }
  }

  deinit { close(wakeDescriptor) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let wake = inbox.withLock { inbox in
      inbox.jobs.append(job)
      defer { inbox.asleep = false }
      return inbox.asleep
    }
    if wake {
      var one: UInt64 = 1
      // EAGAIN means the counter is full, so the thread is about to wake anyway.
      _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
    }
  }

  /// Runs what is there, and what that makes, until nothing is left or `done` says so.
  func runJobs(until done: () -> Bool) {
    while !done() {
      let jobs = inbox.withLock { inbox in
        defer { inbox.jobs = [] }
        return inbox.jobs
      }
      if jobs.isEmpty { return }
      for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
  }

  /// Whether the thread may sleep now: nothing is left to run, and who adds something will wake it.
  func prepareToSleep() -> Bool {
    inbox.withLock { inbox in
      inbox.asleep = inbox.jobs.isEmpty
      return inbox.asleep
    }
  }

  func clearWake() {
    var count: UInt64 = 0
    // EAGAIN: nobody had written.
    _ = read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
  }
}
