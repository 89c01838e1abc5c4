import EventLoop
import Synchronization

/// Sends a call's progress at a bounded rate: the first at once, then at most 20 a second, the newest of those held back
/// when its turn comes or at the end of the call.
final class ProgressReporter: Sendable {
  private struct State {
    var held: [UInt8]?
    var lastSent: UInt64 = 0
    var ended = false
  }

  private let state = Mutex(State())
  private let send: @Sendable ([UInt8]) -> Void

  static let intervalNanoseconds: UInt64 = 50_000_000

  init(send: @escaping @Sendable ([UInt8]) -> Void) { self.send = send }

  func report(_ bytes: [UInt8]) {
    let bytes = bytes.count > PoolCall.longestHeader ? Array(bytes.prefix(PoolCall.longestHeader)) : bytes
    // Sent under the lock: two threads' reports must not overtake each other, nor one the call's result.
    state.withLock { state in
      if state.ended { return }
      state.held = bytes
      sendIfDue(&state)
    }
  }

  /// Sends what is held back if its turn has come; how long until then otherwise.
  func flush() -> Duration? {
    state.withLock { state in
      if state.held == nil { return nil }
      sendIfDue(&state)
      return state.held == nil ? nil : .nanoseconds(Int64(Self.intervalNanoseconds))
    }
  }

  /// Sends what is held back; later reports are dropped.
  func end() {
    state.withLock { state in
      if let held = state.held { send(held) }
      state.held = nil
      state.ended = true
    }
  }

  private func sendIfDue(_ state: inout State) {
    let now = MonotonicClock.now
    guard let held = state.held, now &- state.lastSent >= Self.intervalNanoseconds else { return }
    send(held)
    state.held = nil
    state.lastSent = now
  }
}
