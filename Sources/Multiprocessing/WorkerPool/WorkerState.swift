// What becomes of one worker. Pure: events and the time go in, what to do comes out.
//
//   starting ──▶ idle ◀──▶ busy ──▶ cancelling ─╮
//                  │         ├──▶ crashing ─────┼──▶ killed ──▶ (dead)
//                  ╰▶ leaving╯                  ╯

/// Why a worker is killed under its call: how that call will end.
enum Verdict: Equatable {
  case timedOut, memoryExceeded, cpuTimeExceeded, cancelled
}

struct WorkerState: Equatable {
  enum Phase: Equatable {
    case starting, idle, busy, cancelling, crashing, killed
    /// Its socket is closed; it goes by itself, or is killed a moment later.
    case leaving
  }

  private(set) var phase = Phase.starting
  /// The calls it has, from the moment they are given until their ends: the first is the one it runs, those behind it were
  /// sent ahead and have not begun.
  private(set) var calls: [UInt64] = []
  /// Of all its calls.
  private(set) var callBytes = 0
  /// Its calls may have others behind them.
  private(set) var takesAhead = false
  private(set) var verdict: Verdict?
  private(set) var callsDone = 0
  private(set) var bornAt: UInt64
  /// When something must be done if nothing happens before; nanoseconds, monotonic.
  private(set) var deadline: UInt64?

  init(startedAt now: UInt64, deadline: UInt64) {
    bornAt = now
    self.deadline = deadline
  }

  mutating func spawned() {
    phase = .idle
    deadline = nil
  }

  /// The call it runs.
  var call: UInt64? { calls.first }

  mutating func begin(_ call: UInt64, bytes: Int, deadline: UInt64?, takesAhead: Bool) {
    precondition(phase == .idle, "only an idle worker begins a call at once")
    phase = .busy
    calls.append(call)
    callBytes = bytes
    self.deadline = deadline
    self.takesAhead = takesAhead
  }

  /// It gets a call behind those it has.
  mutating func getAhead(_ call: UInt64, bytes: Int) {
    precondition(phase == .busy && takesAhead, "this worker takes no calls ahead")
    calls.append(call)
    callBytes += bytes
  }

  /// The answer to `number` came. True: it counts, and the worker goes on with the next call, or is free again. False: it
  /// is too late, or not what was asked; a worker that was to be cancelled is to be killed now.
  mutating func answered(_ number: UInt64, bytes: Int) -> Bool {
    guard phase == .busy, call == number else { return false }
    calls.removeFirst()
    callBytes -= bytes
    if calls.isEmpty { phase = .idle }
    deadline = nil
    callsDone += 1
    return true
  }

  /// The next call's time begins.
  mutating func setDeadline(_ deadline: UInt64?) { self.deadline = deadline }

  /// A call behind the first is not its any more. It gets none ahead until it has none: it is slow with the one it has.
  mutating func lost(_ call: UInt64, bytes: Int) {
    calls.removeAll { $0 == call }
    callBytes -= bytes
    takesAhead = false
  }

  /// True: send the signal.
  mutating func cancel(now: UInt64, grace: UInt64) -> Bool {
    guard phase == .busy else { return false }
    phase = .cancelling
    verdict = .cancelled
    deadline = now &+ grace
    return true
  }

  mutating func crashing(now: UInt64, grace: UInt64) {
    guard phase != .killed, phase != .leaving else { return }
    // A cancelled call whose function crashes on its way out stays cancelled.
    phase = .crashing
    deadline = now &+ grace
  }

  /// True: kill it. The first verdict stands.
  mutating func condemn(_ verdict: Verdict?) -> Bool {
    if self.verdict == nil { self.verdict = verdict }
    guard phase != .killed else { return false }
    phase = .killed
    deadline = nil
    return true
  }

  mutating func leave(now: UInt64, grace: UInt64) {
    phase = .leaving
    deadline = now &+ grace
  }

  /// What its deadline means, once it has passed.
  enum Overdue { case forkServerStuck, kill }

  mutating func overdue(now: UInt64) -> Overdue? {
    guard let due = deadline, now >= due else { return nil }
    deadline = nil
    switch phase {
    case .starting: return .forkServerStuck
    case .busy: return condemn(.timedOut) ? .kill : nil
    case .cancelling, .crashing, .leaving: return condemn(nil) ? .kill : nil
    case .idle, .killed: return nil
    }
  }
}
