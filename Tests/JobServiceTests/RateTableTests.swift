import Glibc
import JobModel
import Testing

@testable import JobService

@Suite("Rates of requests")
struct RateTableTests {
  private func table() -> RateTable {
    let bytes = RateTable.wordCount * 8
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    return RateTable(SharedWords(raw, count: RateTable.wordCount))
  }

  private static let second: UInt64 = 1_000_000_000

  @Test("a burst of one second's worth passes, and then one request an interval", arguments: [1, 2, 10, 999, 100_000])
  func burst(_ rate: Int) {
    let table = table()
    let limit = RateLimit(perSecond: rate)
    let client = RateKey.network(7)
    var now = 5 * Self.second
    for _ in 0..<rate { #expect(table.take(client, limit, now: now) == nil) }
    #expect(table.take(client, limit, now: now) == 1)
    // One more after each interval, and no two.
    for _ in 0..<3 {
      now += Self.second / UInt64(rate) + 125
      #expect(table.take(client, limit, now: now) == nil)
      #expect(table.take(client, limit, now: now) == 1)
    }
    now += 2 * Self.second
    for _ in 0..<rate { #expect(table.take(client, limit, now: now) == nil) }
    #expect(table.take(client, limit, now: now) != nil)
  }

  @Test("clients do not share a bucket, and an address is not a token")
  func clients() {
    let table = table()
    let limit = RateLimit(perSecond: 1)
    let now = Self.second
    guard let hash = TokenHash([UInt8](repeating: 7, count: 32)) else { preconditionFailure("a hash has 32 bytes") }
    #expect(table.take(.network(hash.firstWord), limit, now: now) == nil)
    #expect(table.take(.token(hash), limit, now: now) == nil)
    #expect(table.take(.token(hash), limit, now: now) == 1)
    #expect(table.take(.network(hash.firstWord), limit, now: now) == 1)
    // Far fewer than there are places: hardly two of them share one.
    let refused = (1000..<3000).count { table.take(.network($0), limit, now: now) != nil }
    #expect(refused < 5)
  }

  @Test("more clients than places neither stop the table nor each other")
  func overfull() {
    let table = table()
    let limit = RateLimit(perSecond: 1)
    let refused = (0..<200_000).count { table.take(.network(UInt64($0)), limit, now: Self.second) != nil }
    #expect(refused < 400)
  }

  @Test("of requests that come at once on several threads, as many pass as may")
  func concurrent() async {
    let table = table()
    let limit = RateLimit(perSecond: 1000)
    let passed = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask { (0..<1000).count { _ in table.take(.network(1), limit, now: Self.second) == nil } }
      }
      return await group.reduce(0, +)
    }
    // A request that met eight others at its word passes uncounted.
    #expect((1000...1010).contains(passed))
  }

  @Test("a client's bucket is told from the others of its set by its tag")
  func tags() {
    let limit = RateLimit(perSecond: 1)
    let now: UInt64 = 100
    guard case .pass(let bucket) = RateBucket(word: 0).taking(limit, tag: 5, now: now) else {
      Issue.record("the first request did not pass")
      return
    }
    #expect(bucket.tag == 5 && bucket.fullAt == now + RateLimit.ticksASecond)
    #expect(bucket.taking(limit, tag: 5, now: now) == .wait(RateLimit.ticksASecond))
    #expect(bucket.taking(limit, tag: 6, now: now) == .pass(RateBucket(word: 6 << 52 | bucket.fullAt)))
    #expect(bucket.taking(limit, tag: 5, now: now + RateLimit.ticksASecond) != .wait(0))
  }
}
