import EventLoop
import Glibc

/// The pool of bytes behind a ``ProcessPool``, which is asked from any thread and lives on the loop's.
final class PoolCore: Sendable {
  @LoopActor private var pool: WorkerPool?
  /// Why the pool runs nothing; told to later callers.
  @LoopActor private(set) var fault: CallError?
  @LoopActor private var unfitInARow = 0
  /// Those of this process that are not terminated.
  @LoopActor private static var live: [ObjectIdentifier: PoolCore] = [:]
  private let size: Int
  private let forkServer: ForkServerHandle
  private let limits: PoolLimits
  private let initializer: PoolCall?
  private let gate: PoolGate

  /// A preload that fails as often as this will not do better.
  private static let mostUnfit = 3

  init(size: Int, _ forkServer: ForkServerHandle, _ limits: PoolLimits, _ initializer: PoolCall?, _ gate: PoolGate) {
    self.size = size
    self.forkServer = forkServer
    self.limits = limits
    self.initializer = initializer
    self.gate = gate
  }

  @LoopActor
  func start() {
    do throws(PoolRefusal) {
      let pool =
        if let initializer {
          try WorkerPool(size: size, forkServer: forkServer, limits: limits, initializer: initializer)
        } else {
          WorkerPool(size: size, forkServer: forkServer, limits: limits)
        }
      pool.onStrayOutput = { _, bytes in Self.print(bytes) }
      pool.onForkServerTrouble = { [weak self] in self?.hear($0) }
      self.pool = pool
      Self.live[ObjectIdentifier(self)] = self
      pool.start()
    } catch {
      fail(.unavailable("its initializer cannot be sent: \(error)"))
    }
  }

  @LoopActor
  func run(_ call: PoolCall, completion: @escaping WorkerPool.Completion) throws(CallError) -> CallHandle {
    guard let pool else { throw fault ?? .closed }
    do {
      return try pool.run(call, completion: completion)
    } catch {
      switch error {
      case .unknownFunction(let name): throw .unregistered(name)
      case .closed: throw fault ?? .closed
      case .full: throw .unavailable("more calls wait than may")
      case .noForkServer: throw .unavailable("its fork server has ended")
      case .unsendable(let error): throw .unavailable("\(error)")
      }
    }
  }

  @LoopActor
  func cancel(_ handle: CallHandle) { pool?.cancel(handle) }

  @LoopActor
  func terminate() {
    handOnOutput()
    pool?.terminate()
    Self.live[ObjectIdentifier(self)] = nil
  }

  @LoopActor
  func terminateAndWait() async {
    terminate()
    await pool?.terminateAndWait()
  }

  /// Prints what the workers of all pools have written up to now: a program is about to end.
  @LoopActor
  static func handOnAllOutput() {
    for core in live.values { core.handOnOutput() }
  }

  /// Prints what the workers have written up to now. What a call printed is in its worker's pipe before its end is told.
  @LoopActor
  private func handOnOutput() {
    guard let pool else { return }
    for handle in pool.workerHandles.values { pool.readOutput(of: handle) }
  }

  @LoopActor
  func workerPIDs() -> [Int32] { pool?.workers.map(\.pid) ?? [] }

  @LoopActor
  private func hear(_ trouble: ForkServerTrouble) {
    switch trouble {
    case .unfit(let reason):
      unfitInARow += 1
      if unfitInARow == Self.mostUnfit { fail(.unavailable(reason)) }
    case .died: break
    case .gone: fail(.unavailable("the nursery of its fork server has ended"))
    }
  }

  /// Ends all calls, and takes no more.
  @LoopActor
  private func fail(_ error: CallError) {
    if fault == nil { fault = error }
    gate.close(error)
    terminate()
  }

  /// What workers print is the program's output, as that of Python's workers is.
  private static func print(_ bytes: UnsafeRawBufferPointer) {
    var done = 0
    while done < bytes.count {
      let count = write(STDOUT_FILENO, bytes.baseAddress! + done, bytes.count - done)
      if count > 0 {
        done += count
      } else if errno != EINTR {
        // Nobody reads the program's output any more: there is nobody to tell.
        return
      }
    }
  }
}
