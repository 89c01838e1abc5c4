import Synchronization

/// Lets as many callers into a pool as it has room for; the others wait in line, so that memory stays bounded however much
/// is asked for. Knows when the last has left.
///
/// Made and used by the pools of this module.
public final class PoolGate: Sendable {
  private let state: Mutex<GateState>

  init(room: Int) { state = Mutex(GateState(room: room)) }

  var isOpen: Bool { state.withLock { $0.phase == .open } }

  /// Calls `entry` with `nil` once there is room, or with the reason why not; at once, or later from another thread.
  ///
  /// - Returns: what to leave the line with.
  @discardableResult
  func enter(_ entry: @escaping @Sendable (CallError?) -> Void) -> UInt64 {
    let (ticket, result) = state.withLock { $0.enter(entry) }
    if let result { entry(result.get()) }
    return ticket
  }

  /// Ends the wait of one in line with ``CallError/cancelled``; nothing happens if it is in already.
  func giveUp(_ ticket: UInt64) { state.withLock { $0.giveUp(ticket) }?(.cancelled) }

  /// One that was in is out.
  func leave() {
    for action in state.withLock({ $0.leave() }) { action() }
  }

  /// Lets nobody in any more; who is in line is told `reason`.
  func close(_ reason: CallError = .closed) {
    for action in state.withLock({ $0.close(reason) }) { action() }
  }

  /// Calls `body` once it is closed and the last has left.
  func whenEmpty(_ body: @escaping @Sendable () -> Void) {
    if state.withLock({ $0.whenEmpty(body) }) { body() }
  }

  /// Waits for room; a task that is cancelled waits no longer.
  func enter() async throws(CallError) {
    let place = Mutex<UInt64?>(nil)
    let refusal: CallError? = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let ticket = enter { continuation.resume(returning: $0) }
        place.withLock { $0 = ticket }
        if Task.isCancelled { giveUp(ticket) }
      }
    } onCancel: {
      if let ticket = place.withLock({ $0 }) { giveUp(ticket) }
    }
    if let refusal { throw refusal }
  }
}

/// Who is in, and who waits. Pure: what is to be called comes out, to be called without the lock.
struct GateState {
  enum Phase: Equatable {
    case open
    case closed(CallError)
  }
  typealias Entry = @Sendable (CallError?) -> Void

  /// What a caller is told at once.
  enum Answer: Equatable {
    case admitted
    case refused(CallError)

    func get() -> CallError? {
      if case .refused(let reason) = self { reason } else { nil }
    }
  }

  let room: Int
  private(set) var phase = Phase.open
  private(set) var inside = 0
  private var line: [UInt64: Entry] = [:]
  /// Tickets are given in order: the first in line has the lowest of those still there.
  private var firstTicket: UInt64 = 1
  private var nextTicket: UInt64 = 1
  private var whenEmpty: [@Sendable () -> Void] = []

  init(room: Int) { self.room = room }

  var waiting: Int { line.count }

  mutating func enter(_ entry: @escaping Entry) -> (ticket: UInt64, answer: Answer?) {
    let ticket = nextTicket
    nextTicket += 1
    if case .closed(let reason) = phase { return (ticket, .refused(reason)) }
    if inside < room {
      inside += 1
      return (ticket, .admitted)
    }
    line[ticket] = entry
    return (ticket, nil)
  }

  mutating func giveUp(_ ticket: UInt64) -> Entry? { line.removeValue(forKey: ticket) }

  mutating func leave() -> [@Sendable () -> Void] {
    precondition(inside > 0, "more leave a pool than came in")
    inside -= 1
    if let next = popFirst() {
      inside += 1
      return [{ next(nil) }]
    }
    return settled()
  }

  mutating func close(_ reason: CallError) -> [@Sendable () -> Void] {
    if phase == .open { phase = .closed(reason) }
    var actions: [@Sendable () -> Void] = []
    while let next = popFirst() { actions.append { next(reason) } }
    return actions + settled()
  }

  /// True: it is so already.
  mutating func whenEmpty(_ body: @escaping @Sendable () -> Void) -> Bool {
    if phase != .open && inside == 0 { return true }
    whenEmpty.append(body)
    return false
  }

  private mutating func popFirst() -> Entry? {
    while firstTicket < nextTicket {
      defer { firstTicket += 1 }
      if let entry = line.removeValue(forKey: firstTicket) { return entry }
    }
    return nil
  }

  private mutating func settled() -> [@Sendable () -> Void] {
    guard phase != .open, inside == 0 else { return [] }
    defer { whenEmpty = [] }
    return whenEmpty
  }
}
