// The states of a job, and the ways between them.
//
//                    delay, run_at                 claim                    succeeded
//   submit ──┬──▶ scheduled ──due──▶ queued ─────────────▶ running ──┬──▶ failed
//            │        ▲                 ▲                    │  │    └──▶ cancelled
//            │        └── another attempt is due later ──────┘  │
//            │                          └─ lost, handed back ───┘
//            └──▶ queued, or at once running
//
//   cancel: scheduled or queued ──▶ cancelled.   retry: failed or cancelled ──▶ queued.

public enum JobState: String, Sendable, CaseIterable {
  case scheduled, queued, running, succeeded, failed, cancelled

  /// The job has ended; only a retry leaves such a state.
  public var isFinal: Bool {
    switch self {
    case .scheduled, .queued, .running: false
    case .succeeded, .failed, .cancelled: true
    }
  }
}

/// What runs a handler. The raw value is the word in a registration or the configuration.
public enum Executor: String, Sendable, CaseIterable {
  /// A Swift task in the acceptor: for what waits more than it computes. Thousands at once.
  case task
  /// A thread of the acceptor: computing without isolation.
  case thread
  /// A worker process of its own, which can be limited and killed: computing that may crash, hang or leak.
  case process
}
