import Glibc

@testable import Prefork

/// A state, its clock, and what it asked for.
struct Story {
  var state: SupervisorState
  var now = MonotonicTime(nanoseconds: 5_000_000_000_000)
  var asked: [SupervisorState.Action] = []

  /// Of the generations that say no other.
  static let drainLimit = Duration.seconds(35)

  init(_ acceptors: Int, capacity: Int = 8) {
    state = SupervisorState(
      acceptors: acceptors, drainLimit: Self.drainLimit, limits: .init(), capacity: capacity)
    tell(.begin)
  }

  /// A story that begins with every acceptor ready, long ago.
  static func serving(_ acceptors: Int, capacity: Int = 8) -> Story {
    var story = Story(acceptors, capacity: capacity)
    for seat in 0..<acceptors { story.tell(.ready(seat: seat)) }
    story.pass(.seconds(20))
    story.beat()
    story.asked = []
    return story
  }

  mutating func tell(_ event: SupervisorState.Event) {
    asked += state.handle(event, now: now).filter { if case .log = $0 { false } else { true } }
  }

  mutating func pass(_ duration: Duration) {
    now = now + duration
  }

  mutating func beat() {
    for seat in state.seats.indices { tell(.beat(seat: seat, at: now)) }
  }

  mutating func exit(_ seat: Int, _ end: ChildEnd = .signaled(SIGKILL), jitter: Double = 0) {
    tell(.childExited(seat: seat, pid: pid_t(100 + seat), end, jitter: jitter))
  }

  /// What was asked since the last call.
  mutating func take() -> [SupervisorState.Action] {
    defer { asked = [] }
    return asked
  }
}
