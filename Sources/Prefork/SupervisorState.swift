// What the master decides, without clock and without I/O: events and `now` go in, actions come out. The rim is Master.
//
//              spawn                ready              asked to leave
//   empty ───────────▶ starting ───────────▶ ready ───────────────▶ leaving ─── ended ──▶ empty
//     ▲                  │    │  not in time   │ no heartbeat            │ not in time
//     │                  │    └────────┐  ┌────┘                         │
//     │             died │             ▼  ▼                              │
//     │                  │           killed ◀────────────────────────────┘
//     │                  ▼             │ ended, and it comes back
//     └── not wanted ─ backingOff ◀────┘   (at once where it was not young: straight to starting)

import Glibc

/// The signals the master obeys, and those it takes notice of.
enum MasterSignal: CaseIterable, Equatable {
  case terminate, interrupt, quit, hangup, more, fewer, user1, user2

  var number: Int32 {
    switch self {
    case .terminate: SIGTERM
    case .interrupt: SIGINT
    case .quit: SIGQUIT
    case .hangup: SIGHUP
    case .more: SIGTTIN
    case .fewer: SIGTTOU
    case .user1: SIGUSR1
    case .user2: SIGUSR2
    }
  }

  init?(number: Int32) {
    guard let signal = Self.allCases.first(where: { $0.number == number }) else { return nil }
    self = signal
  }
}

struct SupervisorState {
  /// How long things may take.
  struct Limits: Equatable {
    /// From `SIGQUIT` to `SIGKILL`.
    var quick = Duration.seconds(5)
    /// From `SIGKILL` to giving up on a process that the kernel cannot end (it waits for a dead disk, say).
    var unkillable = Duration.seconds(5)
    /// From the fork to `ready`.
    var ready = Duration.seconds(30)
    /// Between two heartbeats of a ready acceptor.
    var heartbeat = Duration.seconds(30)
  }

  enum Event: Equatable {
    case begin
    case ready(seat: Int)
    case beat(seat: Int, at: MonotonicTime)
    /// `jitter`: 0…1 (see ``RestartPolicy``).
    case childExited(seat: Int, pid: pid_t, ChildEnd, jitter: Double)
    case forkFailed(seat: Int, PreforkError, jitter: Double)
    /// A `spawn` was not carried out, because its seat was asked to leave before its turn came.
    case notForked(seat: Int)
    case signal(MasterSignal)
    /// `drainLimit`: from `SIGTERM` to `SIGKILL`, of the acceptors of the new generation.
    case reloadSucceeded(drainLimit: Duration)
    case reloadFailed(reason: String)
    /// The whole machine, or the master alone, stood still: no acceptor can be blamed for a heartbeat that is missing.
    case stoodStill
    case tick
  }

  enum Action: Equatable {
    case spawn(seat: Int, generation: Int, restarts: Int)
    case signal(seat: Int, Int32)
    case kill(seat: Int)
    /// Reads the configuration again for this generation, and reports back.
    case reload(generation: Int)
    case log(LogLevel, String, [String: String])
    /// Nothing is left to wait for.
    case exit(code: Int32)
  }

  enum Stage: Equatable {
    case empty
    case starting(since: MonotonicTime)
    /// `since` its fork.
    case ready(since: MonotonicTime)
    case leaving(killAt: MonotonicTime)
    case killed(comesBack: Bool, since: MonotonicTime)
    case backingOff(until: MonotonicTime)
  }

  struct Seat: Equatable {
    var stage = Stage.empty
    var generation = 0
    /// Deaths in a row before it was ready, or while it was young.
    var failures = 0
    var restarts = 0
    var lastBeat = MonotonicTime(nanoseconds: 0)
  }

  enum Phase: Equatable {
    case serving
    /// With what the process will end. `quick`: `SIGQUIT` was sent, not only `SIGTERM`.
    case stopping(quick: Bool, code: Int32)
    case ended
  }

  enum Reload: Equatable {
    case none
    /// The configuration is being read.
    case reading(generation: Int)
    /// A new generation is starting.
    case starting(generation: Int, deadline: MonotonicTime)
  }

  let limits: Limits
  /// By generation: what an acceptor has to finish, which is as its own configuration says.
  var drainLimits: [Int: Duration]
  var phase = Phase.serving
  var seats: [Seat]
  /// How many acceptors there shall be.
  var wanted: Int
  /// The generation that serves, counted from 1.
  var generation = 1
  /// The highest number given to a generation, whether it came to serve or not.
  var newestGeneration = 1
  var reload = Reload.none
  /// Another `SIGHUP` came while a reload was under way, or while too few seats were free.
  var reloadAskedAgain = false
  /// Until some acceptor was ready, a failure may mean that none ever will be.
  var wasEverReady = false

  /// - Parameter drainLimit: of the first generation.
  init(acceptors: Int, drainLimit: Duration, limits: Limits, capacity: Int = SeatTable.capacity) {
    precondition(acceptors >= 1 && 2 * acceptors <= capacity, "there are 1 to \(capacity / 2) acceptors")
    self.limits = limits
    drainLimits = [1: drainLimit]
    wanted = acceptors
    seats = Array(repeating: Seat(), count: capacity)
  }

  var maximumAcceptors: Int { seats.count / 2 }

  /// The lowest-numbered live seat of the newest generation that serves already; of the newest that starts, where none
  /// serves; `nil` where nobody sits.
  var housekeeper: Int? {
    func best(_ isCandidate: (Stage) -> Bool) -> Int? {
      let candidates = seats.indices.filter { isCandidate(seats[$0].stage) }
      guard let newest = candidates.map({ seats[$0].generation }).max() else { return nil }
      return candidates.first { seats[$0].generation == newest }
    }
    return best { if case .ready = $0 { true } else { false } }
      ?? best { if case .starting = $0 { true } else { false } }
      ?? best { if case .leaving = $0 { true } else { false } }
  }

  /// When the next `tick` is due, at the latest; `nil` while nothing has a time.
  var nextDeadline: MonotonicTime? {
    var earliest: MonotonicTime?
    func consider(_ time: MonotonicTime) { earliest = earliest.map { min($0, time) } ?? time }
    if case .starting(_, let deadline) = reload { consider(deadline) }
    for seat in seats {
      switch seat.stage {
      case .empty: break
      case .starting(let since): consider(since + limits.ready)
      case .ready: consider(seat.lastBeat + limits.heartbeat)
      case .leaving(let killAt): consider(killAt)
      case .killed(_, let since): if isStopping { consider(since + limits.unkillable) }
      case .backingOff(let until): consider(until)
      }
    }
    return earliest
  }

  var isStopping: Bool { phase != .serving }

  /// Whether some seat still has, or will get, an acceptor of this generation.
  func uses(generation: Int) -> Bool {
    generation == self.generation || seats.contains { $0.stage != .empty && $0.generation == generation }
      || reload == .reading(generation: generation) || generation == startingGeneration
  }

  var startingGeneration: Int? {
    if case .starting(let generation, _) = reload { generation } else { nil }
  }
}
