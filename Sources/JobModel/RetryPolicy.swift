/// What becomes of a job whose attempt did not succeed.
public enum RetryPolicy {
  public enum Decision: Sendable, Equatable {
    /// No further attempt: the job ends with this outcome.
    case end
    /// Another attempt, after this delay.
    case retry(after: Duration)
  }

  /// Attempts that their machine or server took down are repeated at most so often (they do not count as attempts).
  public static let lostLimit = 3

  /// - Parameters:
  ///   - attempt: the attempt that ended, counted from 1 and without the lost ones.
  ///   - jitter: 0…1, drawn by the caller, so that jobs that failed together do not come back together.
  public static func afterFailure(_ kind: JobError.Kind, attempt: Int, maxAttempts: Int, jitter: Double) -> Decision {
    switch kind {
    case .invalidArgs, .cancelled:
      // Another attempt would meet the same input, or the same wish.
      return .end
    case .lost:
      return .end
    case .handlerError, .crashed, .timedOut, .memoryExceeded, .invalidResult:
      return attempt < maxAttempts ? .retry(after: backoff(attempt: attempt, jitter: jitter)) : .end
    }
  }

  /// Whether an attempt that was lost is repeated (at once, and without counting).
  public static func repeatsLost(lostCount: Int) -> Bool { lostCount < lostLimit }

  /// 1 s, 2 s, 4 s … an hour at most; the jitter takes up to a quarter off.
  public static func backoff(attempt: Int, jitter: Double) -> Duration {
    let exponent = min(max(attempt - 1, 0), 12)
    let seconds = min(Double(1 << exponent), 3600)
    return .milliseconds(Int(seconds * 1000 * (1 - 0.25 * min(max(jitter, 0), 1))))
  }
}
