import Glibc

extension EpollLoop {
  /// Runs the process's loop on a thread of its own, for a process whose main thread does something else: a program that
  /// uses a library built on the loop, or a test. Returns when the loop belongs to that thread; further calls do nothing.
  ///
  /// A process that calls ``run()`` itself must not call this.
  public static func startOnOwnThread() { ownThread }

  private static let ownThread: Void = {
    let claimed = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    sem_init(claimed, 0, 0)
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { claimed in
        precondition(EpollLoop.shared.isOnLoopThread, "the event loop belongs to another thread already")
        if let claimed { sem_post(claimed.assumingMemoryBound(to: sem_t.self)) }
        EpollLoop.shared.run()
        return nil
      }, claimed)
    precondition(result == 0, "no thread for the event loop: error \(result)")
    pthread_detach(thread)
    while sem_wait(claimed) != 0, errno == EINTR {}
    sem_destroy(claimed)
    claimed.deallocate()
  }()
}
