import EventLoop

/// Enters the event loop of the test process, which runs on a thread of its own.
enum LoopThread {
  /// Runs `body` on the loop, as it runs what others give it.
  static func run<T: Sendable>(_ body: @LoopActor @Sendable () throws -> T) async rethrows -> T {
    EpollLoop.startOnOwnThread()
    return try await LoopActor.run(body)
  }

  /// Waits until `body` has called what it is given, which must be on the loop.
  static func wait(_ body: @escaping @LoopActor @Sendable (@escaping @LoopActor () -> Void) -> Void) async {
    EpollLoop.startOnOwnThread()
    await withCheckedContinuation { continuation in
      Task { @LoopActor in body { continuation.resume() } }
    }
  }
}
