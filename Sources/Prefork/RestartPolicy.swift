/// How soon an acceptor that died is followed by another.
enum RestartPolicy {
  /// One that dies this soon after its fork has failed, whatever it did in between.
  static let youngAge = Duration.seconds(5)
  /// So many failures in a row in every seat of a generation, none of which was ever ready: it never will be.
  static let hopelessFailures = 5

  private static let firstDelayMilliseconds = 100.0
  private static let longestDelayMilliseconds = 30_000.0

  /// At once after a full life; else 100 ms, doubled with each failure in a row, 30 s at the most, less up to a half so
  /// that seats do not all come back in one moment.
  ///
  /// - Parameter jitter: 0…1, drawn anew for each restart.
  static func delay(failures: Int, jitter: Double) -> Duration {
    guard failures > 0 else { return .zero }
    var delay = firstDelayMilliseconds
    for _ in 1..<min(failures, 16) { delay *= 2 }
    delay = min(delay, longestDelayMilliseconds)
    return .milliseconds(Int64(delay * (1 - min(max(jitter, 0), 1) / 2)))
  }
}
