import JobModel

/// Callbacks that are to be sent. A job that has a callback URL gets its entry in the very transaction that writes its final
/// state, whoever writes it; the entry goes with the job, and a job is not removed for its age while its entry is pending.
public protocol CallbackStore: Sendable {
  /// Takes callbacks that are due. They are nobody else's until `request.leaseUntil`: whoever ends before it has said what
  /// became of one leaves it to be taken again.
  ///
  /// Hosts take turns, so that however many callbacks wait for one of them, those for others come through.
  func claimCallbacks(_ request: CallbackClaimRequest) async throws(StoreError) -> CallbackClaims

  /// Writes what became of an attempt, if it is still the last one of that callback. Gives back whether it was.
  func recordCallback(_ claim: CallbackClaim, _ delivery: CallbackDelivery) async throws(StoreError) -> Bool

  /// When the next one is due, or its lease ends.
  func nextCallbackDue() async throws(StoreError) -> Timestamp?
}

public struct CallbackClaimRequest: Sendable {
  public var now: Timestamp
  public var leaseUntil: Timestamp
  public var limit: Int
  public var limitPerHost: Int
  /// How many of each host are under way already.
  public var underWay: [String: Int]
  /// The host whose turn was last.
  public var after: String?

  public init(
    now: Timestamp, leaseUntil: Timestamp, limit: Int, limitPerHost: Int, underWay: [String: Int] = [:],
    after: String? = nil
  ) {
    self.now = now
    self.leaseUntil = leaseUntil
    self.limit = limit
    self.limitPerHost = limitPerHost
    self.underWay = underWay
    self.after = after
  }
}

/// One attempt to send a callback.
public struct CallbackClaim: Sendable, Hashable {
  public var job: JobID
  /// Of the job, as it ended.
  public var revision: Int
  public var url: String
  public var host: String
  /// Counted from 1.
  public var attempt: Int
}

public struct CallbackClaims: Sendable, Equatable {
  public var claims: [CallbackClaim]
  /// The host whose turn was last: for the next request.
  public var last: String?
}
