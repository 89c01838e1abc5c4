/// What became of announcing a job's end to its callback URL.
public struct CallbackDelivery: Sendable, Equatable {
  public enum State: String, Sendable, CaseIterable {
    /// The job has not ended, or another attempt is due.
    case pending
    case delivered
    /// Given up.
    case failed
  }
  public var state: State
  public var attempts: Int
  /// The HTTP status of the last attempt; `nil`: no answer came.
  public var lastStatus: Int?
  /// Why the last attempt failed.
  public var lastError: String?
  public var nextAttemptAt: Timestamp?

  public init(
    state: State = .pending, attempts: Int = 0, lastStatus: Int? = nil, lastError: String? = nil,
    nextAttemptAt: Timestamp? = nil
  ) {
    self.state = state
    self.attempts = attempts
    self.lastStatus = lastStatus
    self.lastError = lastError
    self.nextAttemptAt = nextAttemptAt
  }
}

/// How one attempt to call back ended.
public enum CallbackOutcome: Sendable, Equatable {
  /// An answer with this status came.
  case answered(status: Int)
  /// No answer came, for this reason.
  case unreached(String)
}

/// When a callback is tried again. Pure.
public enum CallbackPolicy {
  /// Between one attempt and the next: eight attempts over about a day.
  static let delays: [Duration] = [
    .seconds(5), .seconds(60), .seconds(5 * 60), .seconds(30 * 60), .seconds(2 * 3600), .seconds(6 * 3600),
    .seconds(14 * 3600),
  ]
  public static var attemptLimit: Int { delays.count + 1 }

  /// The delivery after its `attempts`th attempt ended so.
  ///
  /// Every 2xx is success. 410 says that nobody listens there any more, for good (the Standard Webhooks specification,
  /// "Deliverability and reliability"). All else, redirects included, may be otherwise another time.
  ///
  /// - Parameter jitter: 0…1; the delay grows by up to a fifth, so that callbacks that failed together do not come back
  ///   together.
  public static func after(
    _ outcome: CallbackOutcome, attempts: Int, now: Timestamp, jitter: Double
  ) -> CallbackDelivery {
    var delivery = CallbackDelivery(attempts: attempts)
    switch outcome {
    case .answered(let status):
      delivery.lastStatus = status
      if (200...299).contains(status) {
        delivery.state = .delivered
        return delivery
      }
      delivery.lastError = "the answer's status was \(status)"
      if status == 410 {
        delivery.state = .failed
        return delivery
      }
    case .unreached(let reason):
      delivery.lastError = reason
    }
    guard attempts >= 1, attempts <= delays.count else {
      delivery.state = .failed
      return delivery
    }
    delivery.nextAttemptAt = now.advanced(by: delays[attempts - 1] * (1 + jitter / 5))
    return delivery
  }

  /// Callbacks to one host do not hold up those to another. What stands between `//` and the path, in lower case; callback
  /// URLs have no user there.
  public static func host(of url: String) -> String {
    guard let start = url.firstRange(of: "//")?.upperBound else { return url }
    return url[start...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }.lowercased()
  }
}
