/// How a pool treats its calls and workers.
public struct PoolLimits: Sendable {
  /// Calls that may wait while all workers are busy; 0: a call is taken only if a worker is idle.
  public var mostWaiting: Int
  /// A worker is replaced after so many; `nil`: never.
  public var maxCallsPerWorker: Int?
  /// Time a function has to notice that it was cancelled, before its worker is killed.
  public var cancelGrace: Duration
  /// Time a crashing worker has to write its backtrace; it takes some 10 ms, but minutes for a large program on a slow disk
  /// (swiftlang/swift issue 71091).
  public var crashGrace: Duration
  /// How often the memory of busy workers with a limit is looked at.
  public var memorySampling: Duration
  /// Time the fork server has for its preload, and for a fork; then it is killed, and another tries.
  public var preloadTimeout: Duration
  public var startTimeout: Duration
  public var backoff: RestartBackoff
  /// How long an idle worker looks for its next call, and the pool for the answer to a call, before they sleep. A call
  /// then takes half of the time where each has a core of its own (5 µs instead of 9 on the machine it was measured on);
  /// both keep their cores busy meanwhile, so it is for programs with many short calls one after the other and cores to spare.
  /// Where it does not pay, it is left out. 20 µs is enough.
  public var spin: Duration

  public init(
    mostWaiting: Int = 1024, maxCallsPerWorker: Int? = nil, cancelGrace: Duration = .seconds(1),
    crashGrace: Duration = .seconds(5), memorySampling: Duration = .milliseconds(50),
    preloadTimeout: Duration = .seconds(120), startTimeout: Duration = .seconds(10),
    backoff: RestartBackoff = RestartBackoff(), spin: Duration = .zero
  ) {
    self.mostWaiting = mostWaiting
    self.maxCallsPerWorker = maxCallsPerWorker
    self.cancelGrace = cancelGrace
    self.crashGrace = crashGrace
    self.memorySampling = memorySampling
    self.preloadTimeout = preloadTimeout
    self.startTimeout = startTimeout
    self.backoff = backoff
    self.spin = spin
  }
}

extension PoolLimits {
  /// How far RLIMIT_DATA lies above a call's memory limit: it counts what is reserved and never touched too, so it only
  /// catches what grows too fast for the samples.
  func ceilingSlack(above limit: UInt64) -> UInt64 { max(limit / 4, 64 << 20) }
}
