import JobModel

/// How many requests a client may send: `burst` at once, and then so many a second.
struct RateLimit: Sendable, Equatable {
  /// A tick is 125 ns: fine enough for 100,000 requests a second, and 52 bits of them are 17 years.
  static let ticksASecond: UInt64 = 8_000_000

  let perSecond: Int
  /// What a request takes of the bucket.
  let interval: UInt64
  /// What the bucket holds, less one request.
  let tolerance: UInt64

  /// - Parameter perSecond: 1…100,000. The burst is as large: what a client saves up is one second's worth.
  init(perSecond: Int) {
    self.perSecond = perSecond
    interval = max(1, Self.ticksASecond / UInt64(max(1, perSecond)))
    tolerance = interval * UInt64(max(0, perSecond - 1))
  }
}

/// One client's token bucket in one word: 12 bits that tell clients of a set apart, and the tick at which the bucket will be
/// full again (the generic cell rate algorithm, ITU-T I.371). A full bucket says nothing, so its place is free.
struct RateBucket: Sendable, Equatable {
  static let tickMask: UInt64 = 1 << 52 - 1

  let word: UInt64

  var tag: UInt64 { word >> 52 }
  var fullAt: UInt64 { word & Self.tickMask }

  enum Decision: Equatable {
    case pass(RateBucket)
    /// Ticks until the next request would pass.
    case wait(UInt64)
  }

  /// What becomes of a request at `now`, for the bucket of the client `tag`, or in place of a stranger's.
  func taking(_ limit: RateLimit, tag: UInt64, now: UInt64) -> Decision {
    let base = self.tag == tag ? max(fullAt, now) : now
    if base - now > limit.tolerance { return .wait(base - now - limit.tolerance) }
    return .pass(RateBucket(word: tag << 52 | (base + limit.interval) & Self.tickMask))
  }
}

/// The buckets of all clients, shared by all acceptors: a table of fixed size, without locks, that a killed process leaves as
/// it is. Four clients share a set; a fifth that is active at the same time takes the place of the one whose bucket is
/// nearest to being full. With 65,536 places that takes an attacker with very many addresses, whom no limit by address stops.
struct RateTable: Sendable {
  private static let sets = 1 << 14
  private static let placesASet = 4
  static let wordCount = sets * placesASet
  /// Tries against other processes that change the same word; after these the request passes.
  private static let tries = 8

  private let words: SharedWords
  /// Secret, so that nobody can choose an address that shares a set with a given other.
  private let key = SipHashKey.random()

  init(_ words: SharedWords) { self.words = words }

  /// Takes one request from the client's bucket.
  ///
  /// - Parameter now: monotonic nanoseconds, the same clock in all processes.
  /// - Returns: `nil` if it may pass, else the whole seconds after which it would.
  func take(_ client: RateKey, _ limit: RateLimit, now nanoseconds: UInt64) -> Int? {
    let now = nanoseconds / (1_000_000_000 / RateLimit.ticksASecond)
    let hash = SipHash24.hash(client.kind, client.value, key: key)
    let first = Int(truncatingIfNeeded: hash) & (Self.sets - 1) * Self.placesASet
    let tag = hash >> 52
    for _ in 0..<Self.tries {
      let (place, bucket) = find(tag, in: first)
      switch bucket.taking(limit, tag: tag, now: now) {
      case .wait(let ticks): return Int(clamping: (ticks + RateLimit.ticksASecond - 1) / RateLimit.ticksASecond)
      case .pass(let next): if words.replace(place, bucket.word, by: next.word) { return nil }
      }
    }
    return nil
  }

  /// The client's bucket, or the one that is nearest to being full.
  private func find(_ tag: UInt64, in first: Int) -> (place: Int, bucket: RateBucket) {
    var best = (place: first, bucket: RateBucket(word: words.load(first)))
    if best.bucket.tag == tag { return best }
    for place in (first + 1)..<(first + Self.placesASet) {
      let bucket = RateBucket(word: words.load(place))
      if bucket.tag == tag { return (place, bucket) }
      if bucket.fullAt < best.bucket.fullAt { best = (place, bucket) }
    }
    return best
  }
}

/// Whose bucket it is.
struct RateKey: Sendable, Equatable {
  let kind: UInt64
  let value: UInt64

  /// An IPv4 address, or the /64 of an IPv6 address, which one client has whole (RFC 6177).
  static func network(_ network: UInt64) -> RateKey { RateKey(kind: 0, value: network) }
  static func token(_ hash: TokenHash) -> RateKey { RateKey(kind: 1, value: hash.firstWord) }
}
