/// The global actor of this process's event loop: state marked `@LoopActor` is touched by the loop's thread alone, and the
/// compiler checks it.
///
/// There is one loop a process. The actor's executor is ``EpollLoop/shared``, made at first use; first use must come after
/// the fork that made the process, because an epoll instance made before a fork is one and the same in all children.
@globalActor
public actor LoopActor {
  public static let shared = LoopActor()

  public nonisolated var unownedExecutor: UnownedSerialExecutor { EpollLoop.shared.asUnownedSerialExecutor() }

  /// Runs `body` as `@LoopActor` code, from synchronous code that is on the loop's thread already (a C callback).
  ///
  /// Stops the process when called on another thread: that is a broken promise of ours, never an input's fault.
  public static func assumeIsolated<T>(_ body: @LoopActor () throws -> T) rethrows -> T {
    precondition(EpollLoop.shared.isOnLoopThread, "code of the event loop was entered on another thread")
    // The isolation was just checked; only its mark in the function's type is taken off, as MainActor's own does it.
    return try withoutActuallyEscaping(body) { escaping in
      try unsafeBitCast(escaping, to: (() throws -> T).self)()
    }
  }

  /// The same for callbacks that run a hundred thousand times a second: `body` gets what it needs as its argument and captures
  /// nothing, so that there is no closure to allocate.
  @inlinable
  public static func assumeIsolated<A, T>(passing argument: A, _ body: @escaping @LoopActor (A) -> T) -> T {
    precondition(EpollLoop.shared.isOnLoopThread, "code of the event loop was entered on another thread")
    return unsafeBitCast(body, to: ((A) -> T).self)(argument)
  }

  /// Runs `body` on the loop and gives its value back: a hop for code that is elsewhere.
  public static func run<T: Sendable>(_ body: @LoopActor @Sendable () throws -> T) async rethrows -> T {
    try await body()
  }
}
