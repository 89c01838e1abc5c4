// Requests that clients may repeat (draft-ietf-httpapi-idempotency-key-header): each is remembered by its key in the commit
// that makes its job, so that however often it comes, it makes one.

import JobModel

/// The part of a store that remembers requests.
public protocol IdempotencyStore: Sendable {
  /// The reply to a remembered request has been given: from now on it is given again.
  func endHandling(scope: String, key: String) async throws(StoreError)

  /// Forgets at most `limit` requests that are older than they are remembered for; says how many.
  func forgetRequests(now: Timestamp, limit: Int) async throws(StoreError) -> Int
}

extension IdempotencyStore {
  /// Requests that a store remembers at once, about.
  public static var rememberedLimit: Int { 1_000_000 }
}

/// A request with an idempotency key.
public struct IdempotentRequest: Sendable, Equatable {
  /// Whose key it is: clients cannot meet each other's.
  public var scope: String
  public var key: String
  /// Of everything that the request asks for: another request has another one.
  public var fingerprint: [UInt8]
  /// The reply's body, if it is known before the job is stored and is to be kept.
  public var reply: [UInt8]?
  /// The acceptor that has not replied yet when the job is stored, because it waits for the job.
  public var handledBy: OwnerID?
  public var expiresAt: Timestamp

  public init(
    scope: String, key: String, fingerprint: [UInt8], reply: [UInt8]?, handledBy: OwnerID?, expiresAt: Timestamp
  ) {
    self.scope = scope
    self.key = key
    self.fingerprint = fingerprint
    self.reply = reply
    self.handledBy = handledBy
    self.expiresAt = expiresAt
  }
}

/// What was replied to a request that comes again.
public struct RememberedReply: Sendable, Equatable {
  public var job: JobID
  /// It made the job; otherwise the job was there before, by its unique key.
  public var madeJob: Bool
  public var body: [UInt8]?

  public init(job: JobID, madeJob: Bool, body: [UInt8]?) {
    self.job = job
    self.madeJob = madeJob
    self.body = body
  }
}

/// What became of a submit.
public enum SubmitReceipt: Sendable, Equatable {
  /// The job, as it is in the store.
  case stored(Job)
  /// Nothing was made: this job has the same unique key, and has not ended.
  case uniqueKeyTaken(Job)
  /// Nothing was made: the same request came before.
  case repeated(RememberedReply)
  /// Nothing was made: another request has that idempotency key.
  case keyOfAnotherRequest
  /// Nothing was made: the same request is being handled.
  case beingHandled
  /// Nothing was made: no more requests can be remembered for now.
  case tooManyRemembered
}
