// Every event meets a seat in every stage, in every phase. What is not in the table changes nothing and does nothing.

import Glibc
import Testing

@testable import Prefork

@Suite("the supervisor's table of transitions")
struct SupervisorTableTests {
  typealias State = SupervisorState

  static let now = MonotonicTime(nanoseconds: 1_000_000_000_000)
  static let longAgo = MonotonicTime(nanoseconds: 1)

  static let stages: [(name: String, stage: State.Stage)] = [
    ("empty", .empty),
    ("starting", .starting(since: now)),
    ("young", .ready(since: now)),
    ("ready", .ready(since: longAgo)),
    ("leaving", .leaving(killAt: now + .seconds(20))),
    ("killed", .killed(comesBack: false, since: now)),
    ("killedBack", .killed(comesBack: true, since: now)),
    ("backingOff", .backingOff(until: now + .seconds(20))),
  ]

  static let phases: [(name: String, phase: State.Phase)] = [
    ("serving", .serving), ("stopping", .stopping(quick: false, code: 0)), ("quick", .stopping(quick: true, code: 0)),
    ("ended", .ended),
  ]

  static let events: [(name: String, event: State.Event, later: Duration)] = [
    ("begin", .begin, .zero),
    ("ready", .ready(seat: 0), .zero),
    ("beat", .beat(seat: 0, at: now), .zero),
    ("exit", .childExited(seat: 0, pid: 7, .exited(code: 1), jitter: 0), .zero),
    ("noFork", .forkFailed(seat: 0, .system(operation: "fork", code: EAGAIN), jitter: 0), .zero),
    ("threads", .forkFailed(seat: 0, .manyThreads(count: 2, before: "x"), jitter: 0), .zero),
    ("notForked", .notForked(seat: 0), .zero),
    ("TERM", .signal(.terminate), .zero), ("INT", .signal(.interrupt), .zero), ("QUIT", .signal(.quit), .zero),
    ("HUP", .signal(.hangup), .zero), ("TTIN", .signal(.more), .zero), ("TTOU", .signal(.fewer), .zero),
    ("USR1", .signal(.user1), .zero), ("USR2", .signal(.user2), .zero),
    ("read", .reloadSucceeded(drainLimit: Story.drainLimit), .zero), ("unread", .reloadFailed(reason: "x"), .zero),
    ("stoodStill", .stoodStill, .zero),
    ("tick", .tick, .zero), ("late", .tick, .seconds(60)),
  ]

  /// `phase stage event: what seat 0 is then, then the actions`. One acceptor is wanted; seats 1 to 3 are empty.
  static let table = """
    serving empty begin: starting spawn0
    serving empty TERM: empty exit(0)
    serving empty INT: empty exit(0)
    serving empty QUIT: empty exit(0)
    serving empty HUP: empty reload
    serving empty TTIN: starting spawn0 spawn1
    serving starting ready: ready
    serving starting exit: backingOff
    serving starting noFork: backingOff
    serving starting threads: empty exit(1)
    serving starting TERM: leaving SIGTERM0
    serving starting INT: leaving SIGTERM0
    serving starting QUIT: leaving SIGQUIT0
    serving starting HUP: starting reload
    serving starting TTIN: starting spawn1
    serving starting late: killedBack KILL0
    serving young exit: backingOff
    serving young TERM: leaving SIGTERM0
    serving young INT: leaving SIGTERM0
    serving young QUIT: leaving SIGQUIT0
    serving young HUP: ready reload
    serving young TTIN: ready spawn1
    serving young late: killedBack KILL0
    serving ready exit: starting spawn0
    serving ready TERM: leaving SIGTERM0
    serving ready INT: leaving SIGTERM0
    serving ready QUIT: leaving SIGQUIT0
    serving ready HUP: ready reload
    serving ready TTIN: ready spawn1
    serving ready late: killedBack KILL0
    serving leaving begin: leaving spawn1
    serving leaving exit: starting spawn0
    serving leaving notForked: starting spawn0
    serving leaving QUIT: leaving SIGQUIT0
    serving leaving HUP: leaving reload
    serving leaving TTIN: leaving spawn1 spawn2
    serving leaving late: killed KILL0
    serving killed begin: killed spawn1
    serving killed exit: starting spawn0
    serving killed notForked: starting spawn0
    serving killed HUP: killed reload
    serving killed TTIN: killed spawn1 spawn2
    serving killedBack exit: starting spawn0
    serving killedBack notForked: starting spawn0
    serving killedBack TERM: killed
    serving killedBack INT: killed
    serving killedBack QUIT: killed
    serving killedBack HUP: killedBack reload
    serving killedBack TTIN: killedBack spawn1
    serving backingOff TERM: empty exit(0)
    serving backingOff INT: empty exit(0)
    serving backingOff QUIT: empty exit(0)
    serving backingOff HUP: backingOff reload
    serving backingOff TTIN: backingOff spawn1
    serving backingOff late: starting spawn0
    stopping leaving exit: empty exit(0)
    stopping leaving notForked: empty exit(0)
    stopping leaving TERM: leaving SIGQUIT0
    stopping leaving INT: leaving SIGQUIT0
    stopping leaving QUIT: leaving SIGQUIT0
    stopping leaving late: killed KILL0
    stopping killed exit: empty exit(0)
    stopping killed notForked: empty exit(0)
    stopping killed late: empty exit(1)
    quick leaving exit: empty exit(0)
    quick leaving notForked: empty exit(0)
    quick leaving late: killed KILL0
    quick killed exit: empty exit(0)
    quick killed notForked: empty exit(0)
    quick killed late: empty exit(1)
    """

  @Test("each event does what the table says, and nothing else")
  func everyEventInEveryStage() {
    var expected: [String: String] = [:]
    for line in Self.table.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 1)
      expected[String(parts[0])] = parts[1].trimmingPrefix(" ").description
    }
    for (phaseName, phase) in Self.phases {
      for (stageName, stage) in Self.stages where Self.canBe(stageName, in: phase) {
        for (eventName, event, later) in Self.events {
          let key = "\(phaseName) \(stageName) \(eventName)"
          var state = State(acceptors: 1, drainLimit: Story.drainLimit, limits: .init(), capacity: 4)
          state.phase = phase
          state.wasEverReady = true
          state.seats[0] = State.Seat(stage: stage, generation: stage == .empty ? 0 : 1, lastBeat: Self.now)
          let actions = state.handle(event, now: Self.now + later)
          let before = stageName == "young" ? "ready" : stageName
          let outcome = ([Self.name(state.seats[0].stage)] + actions.compactMap(Self.name)).joined(separator: " ")
          #expect(outcome == expected.removeValue(forKey: key) ?? before, "\(key)")
        }
      }
    }
    #expect(expected.isEmpty, "lines of the table that no event reached")
  }

  /// A stop leaves no other stages behind, as the table's lines for `serving` show.
  private static func canBe(_ stage: String, in phase: State.Phase) -> Bool {
    switch phase {
    case .serving: true
    case .stopping: stage == "leaving" || stage == "killed"
    case .ended: stage == "empty"
    }
  }

  private static func name(_ stage: State.Stage) -> String {
    switch stage {
    case .empty: "empty"
    case .starting: "starting"
    case .ready: "ready"
    case .leaving: "leaving"
    case .killed(let comesBack, _): comesBack ? "killedBack" : "killed"
    case .backingOff: "backingOff"
    }
  }

  private static func name(_ action: State.Action) -> String? {
    switch action {
    case .spawn(let seat, _, _): "spawn\(seat)"
    case .signal(let seat, let number): "\(signalName(number))\(seat)"
    case .kill(let seat): "KILL\(seat)"
    case .reload: "reload"
    case .exit(let code): "exit(\(code))"
    case .log: nil
    }
  }
}
