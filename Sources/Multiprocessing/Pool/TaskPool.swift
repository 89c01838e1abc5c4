import Synchronization

/// Runs functions in tasks of this process, so many at a time: what asyncio does, with a limit.
///
/// ```swift
/// let pool = TaskPool(size: 100)
/// let pages = try await pool.map(fetch, urls, chunkSize: 1)  // never more than 100 at once
/// ```
///
/// For functions that mostly wait: ten thousand sleeping or fetching ones cost no thread. One that computes takes a thread of
/// Swift's cooperative pool meanwhile; one that crashes takes the process with it.
public final class TaskPool: Pool {
  public let size: Int
  public let gate: PoolGate
  private let limits: CallLimits
  private let state: Mutex<LocalQueue>

  /// - Parameters:
  ///   - size: calls that run at the same time.
  ///   - mostWaiting: calls that are taken beyond them; further callers wait in line.
  ///   - limits: of each call that brings none of its own; a timeout, that is.
  public init(size: Int, mostWaiting: Int = 1024, limits: CallLimits = .none) {
    precondition(size > 0, "a pool runs at least one call at a time")
    self.size = size
    self.limits = limits
    gate = PoolGate(room: size + mostWaiting)
    state = Mutex(LocalQueue(limit: size))
  }

  public func start(_ work: PoolWork) -> any StartedCall {
    let limits = work.limits ?? self.limits
    let call = LocalWork(work, timeout: limits.timeout, of: self)
    if let fault = limits.onlyForProcesses {
      call.end(.unsupported(fault))
    } else {
      switch state.withLock({ $0.add(call) }) {
      case .begins: begin(call)
      case .waits: break
      case .refused: call.end(.lost("the pool was terminated"))
      }
    }
    return call
  }

  /// Runs one call, and then whatever waits, until nothing does.
  private func begin(_ first: LocalWork) {
    var next: LocalWork? = first
    while let call = next {
      let begins = call.run { body in
        Task.detached {
          await body()
          if let next = self.state.withLock({ $0.next(after: call) }) { self.begin(next) }
        }
      }
      if begins { return }
      next = state.withLock { $0.next(after: call) }
    }
  }

  public func terminate() {
    gate.close()
    for call in state.withLock({ $0.takeAll() }) { call.end(.lost("the pool was terminated")) }
  }

  public func join() async {
    gate.close()
    await withCheckedContinuation { continuation in gate.whenEmpty { continuation.resume() } }
  }
}

extension CallLimits {
  /// Why a pool without processes cannot keep these; `nil`: it can.
  var onlyForProcesses: String? {
    if memoryBytes != nil { return "only a ProcessPool can limit the memory of a call" }
    if cpuTime != nil { return "only a ProcessPool can limit the CPU time of a call" }
    return nil
  }
}

/// The calls of a pool without processes: those that run, and those that wait for their turn. Pure.
struct LocalQueue {
  let limit: Int
  private var running: [ObjectIdentifier: LocalWork] = [:]
  private var waiting: ArraySlice<LocalWork> = []
  private var isClosed = false

  init(limit: Int) { self.limit = limit }

  enum Entry {
    case begins, waits
    /// All were taken out before.
    case refused
  }

  mutating func add(_ call: LocalWork) -> Entry {
    if isClosed { return .refused }
    if running.count >= limit {
      waiting.append(call)
      return .waits
    }
    running[ObjectIdentifier(call)] = call
    return .begins
  }

  /// The call that runs instead of one whose function has returned.
  mutating func next(after done: LocalWork) -> LocalWork? {
    running[ObjectIdentifier(done)] = nil
    guard let next = waiting.popFirst() else { return nil }
    running[ObjectIdentifier(next)] = next
    return next
  }

  /// All there are, and ever will be; those that run stay, until their functions return.
  mutating func takeAll() -> [LocalWork] {
    isClosed = true
    defer { waiting = [] }
    return Array(running.values) + waiting
  }
}
