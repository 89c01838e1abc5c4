import Synchronization

/// One call that runs in this process: on a thread or in a task.
final class LocalWork: StartedCall {
  private enum Phase {
    case waiting
    case running(Task<Void, Never>?)
    /// Its caller has been told; the function may still run.
    case over
  }

  private struct State {
    var phase = Phase.waiting
    var isCancelled = false
  }

  private let state = Mutex(State())
  private let work: PoolWork
  private let timeout: Duration?
  /// The pool lives until the call has ended.
  private let pool: any Pool

  init(_ work: PoolWork, timeout: Duration?, of pool: any Pool) {
    self.work = work
    self.timeout = timeout
    self.pool = pool
  }

  /// Runs it in a task that `start` makes.
  ///
  /// - Returns: false if it ended while it waited; then no task is made.
  func run(_ start: (@escaping @Sendable () async -> Void) -> Task<Void, Never>) -> Bool {
    // Taken before the task is there: it may be over before this returns.
    let begins = state.withLock { state in
      guard case .waiting = state.phase else { return false }
      state.phase = .running(nil)
      return true
    }
    if !begins { return false }
    let alarm = timeout.map { limit in
      Task { [weak self] in
        // Cancelled: the call has ended in time.
        if (try? await Task.sleep(for: limit)) != nil { self?.end(.timedOut) }
      }
    }
    let task = start {
      await self.runWork()
      alarm?.cancel()
    }
    let isLate = state.withLock { state in
      if case .running = state.phase { state.phase = .running(task) }
      return state.isCancelled
    }
    if isLate { task.cancel() }
    return true
  }

  /// Before it has begun, it never does; afterwards its function is told, and it ends when that returns.
  func cancel() {
    let (task, wasWaiting) = state.withLock { state -> (Task<Void, Never>?, Bool) in
      state.isCancelled = true
      switch state.phase {
      case .waiting:
        state.phase = .over
        return (nil, true)
      case .running(let task): return (task, false)
      case .over: return (nil, false)
      }
    }
    if wasWaiting { work.ended(.failure(.cancelled)) }
    task?.cancel()
  }

  /// Ends it now, though its function may run on until it listens.
  func end(_ error: CallError) {
    let task = state.withLock { state -> Task<Void, Never>?? in
      state.isCancelled = true
      defer { state.phase = .over }
      switch state.phase {
      case .waiting: return .some(nil)
      case .running(let task): return .some(task)
      case .over: return .none
      }
    }
    guard let task else { return }
    work.ended(.failure(error))
    task?.cancel()
  }

  private func runWork() async {
    let end: PoolEnd
    do {
      end = .ranHere(try await work.runHere())
    } catch {
      end = .failure(.threw("\(error)"))
    }
    // `nil`: it had ended before.
    let isCancelled = state.withLock { state -> Bool? in
      guard case .running = state.phase else { return nil }
      state.phase = .over
      return state.isCancelled
    }
    if let isCancelled { work.ended(isCancelled ? .failure(.cancelled) : end) }
  }
}
