/// How long to wait before what died is started again: not at all the first times, then longer and longer, with jitter so
/// that many do not come back in step; from the start again once one has proved itself.
///
/// Pure: the caller brings the time and the randomness.
public struct RestartBackoff: Sendable, Equatable {
  /// Restarts without a pause before the waiting begins.
  public var freeRestarts: Int
  /// The first pause; each next one is twice as long.
  public var firstPause: Duration
  public var longestPause: Duration
  /// Living this long proves that the trouble is over.
  public var provedAfter: Duration
  /// Deaths in a row of ones that had not proved themselves.
  public private(set) var failures = 0

  public init(
    freeRestarts: Int = 3, firstPause: Duration = .milliseconds(100), longestPause: Duration = .seconds(10),
    provedAfter: Duration = .seconds(10)
  ) {
    self.freeRestarts = freeRestarts
    self.firstPause = firstPause
    self.longestPause = longestPause
    self.provedAfter = provedAfter
  }

  /// Notes a death; gives the pause before the next start.
  ///
  /// - Parameters:
  ///   - age: how long the dead one lived.
  ///   - wasUseful: it did what it was there for, so its death is no sign of trouble with starting.
  ///   - random: 0..<1.
  public mutating func pauseAfterDeath(age: Duration, wasUseful: Bool, random: Double) -> Duration {
    if wasUseful || age >= provedAfter {
      failures = 0
      return .zero
    }
    failures += 1
    let paused = failures - freeRestarts
    if paused <= 0 { return .zero }
    var pause = firstPause
    for _ in 1..<min(paused, 64) where pause < longestPause { pause *= 2 }
    pause = min(pause, longestPause)
    // Between half of it and all of it.
    return pause * (0.5 + 0.5 * min(max(random, 0), 1))
  }
}
