import EventLoop
import Synchronization

/// Sends the progress of one call after the other, at a bounded rate: the first at once, then at most 20 a second, the newest of those held back
/// when its turn comes or at the end of the call.
final class ProgressReporter: Sendable {
  private struct State {
    var held: [UInt8]?
    var lastSent: UInt64 = 0
    /// The call that runs; 0: none.
    var call: UInt64 = 0
  }

  private let state = Mutex(State())
  private let send: @Sendable (UInt64, [UInt8]) -> Void

  static let intervalNanoseconds: UInt64 = 50_000_000

  /// - Parameter send: gets the number of a call, and bytes of its progress.
  init(send: @escaping @Sendable (UInt64, [UInt8]) -> Void) { self.send = send }

  /// A call begins. Reports of others, from threads they left behind, are dropped from now on.
  func begin(_ call: UInt64) {
    state.withLock { state in
      state.call = call
      state.lastSent = 0
    }
  }

  func report(_ bytes: [UInt8], of call: UInt64) {
    let bytes = bytes.count > PoolCall.longestHeader ? Array(bytes.prefix(PoolCall.longestHeader)) : bytes
    // Sent under the lock: two threads' reports must not overtake each other, nor one the call's result.
    state.withLock { state in
      if state.call != call || call == 0 { return }
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
      if let held = state.held { send(state.call, held) }
      state.held = nil
      state.call = 0
    }
  }

  private func sendIfDue(_ state: inout State) {
    let now = MonotonicClock.now
    guard let held = state.held, now &- state.lastSent >= Self.intervalNanoseconds else { return }
    send(state.call, held)
    state.held = nil
    state.lastSent = now
  }
}
