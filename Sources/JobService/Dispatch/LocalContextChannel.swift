import EventLoop
import HandlerAPI
import JobModel
import Synchronization

/// The context channel of a job that runs in the acceptor's own process (executors `task` and `thread`).
///
/// Handlers may call it from any thread and as often as they like: what is reported is kept in one place, and one hop to
/// the loop is under way at a time.
final class LocalContextChannel: JobContextChannel {
  private struct State {
    var progress: JobProgress?
    var printed: [UInt8] = []
    var isCancelled = false
    var isHopping = false
  }
  /// What may be on its way to the loop.
  private static let printedLimitBytes = 1 << 20

  private let state = Mutex(State())
  private let deliver: @LoopActor @Sendable (JobProgress?, [UInt8]) -> Void

  init(deliver: @escaping @LoopActor @Sendable (JobProgress?, [UInt8]) -> Void) { self.deliver = deliver }

  func report(_ progress: JobProgress) { change { $0.progress = progress } }

  func log(_ line: String) {
    change {
      // A handler that logs faster than the loop listens loses lines, not the acceptor's memory.
      guard $0.printed.count < Self.printedLimitBytes else { return }
      $0.printed.append(contentsOf: line.utf8)
      $0.printed.append(UInt8(ascii: "\n"))
    }
  }

  var isCancelled: Bool { Task.isCancelled || state.withLock { $0.isCancelled } }

  func cancel() { state.withLock { $0.isCancelled = true } }

  private func change(_ body: (inout State) -> Void) {
    let hops = state.withLock { state in
      body(&state)
      defer { state.isHopping = true }
      return !state.isHopping
    }
    if hops { Task { @LoopActor in self.flush() } }
  }

  /// Hands over what has come together; also called once more before the attempt's end is told.
  @LoopActor
  func flush() {
    let (progress, printed) = state.withLock { state in
      defer {
        state.progress = nil
        state.printed = []
        state.isHopping = false
      }
      return (state.progress, state.printed)
    }
    if progress != nil || !printed.isEmpty { deliver(progress, printed) }
  }
}
