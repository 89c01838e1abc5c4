// Makes job ids, and tells later whether an id was made here.
//
// "Never given out" (404) and "gone" (410) are told apart without keeping a row for every job that ever was: 32 of a
// version-7 UUID's random bits are a keyed hash of the others. The key lives in the store, so every process, and every
// later start on the same store, recognizes its own ids. A stranger's guess passes once in 2³² times, and then gets a
// 410 instead of a 404: nothing hangs on it but that word.

/// Issues ``JobID``s for one process. The layout: 48 bits of milliseconds, version 7, a 12-bit counter that keeps the ids
/// of one process in order within a millisecond, the variant, 30 random bits, 32 bits of the hash.
public struct JobIDIssuer: Sendable {
  private let key: SipHashKey
  private var lastMilliseconds: UInt64 = 0
  private var counter: UInt64 = 0

  public init(key: SipHashKey) { self.key = key }

  /// The next id. Ids of one issuer rise strictly, even when the clock steps back.
  public mutating func next(now: Timestamp) -> JobID {
    let milliseconds = UInt64(max(0, now.microseconds / 1000))
    if milliseconds > lastMilliseconds {
      lastMilliseconds = milliseconds
      counter = 0
    } else {
      counter += 1
      // 4,096 ids within a millisecond: borrow from the next one, as RFC 9562, section 6.2, allows.
      if counter > 0xfff {
        lastMilliseconds += 1
        counter = 0
      }
    }
    let high = lastMilliseconds << 16 | 0x7000 | counter
    let random = UInt64.random(in: 0..<(1 << 30))
    let open = 0x8000_0000_0000_0000 | random << 32
    return JobID(high: high, low: open | UInt64(tag(high, open)))
  }

  /// Whether `id` was made with this key.
  public func issued(_ id: JobID) -> Bool {
    let open = id.low & 0xffff_ffff_0000_0000
    return id.high & 0xf000 == 0x7000 && id.low >> 62 == 0b10
      && UInt32(truncatingIfNeeded: id.low) == tag(id.high, open)
  }

  private func tag(_ high: UInt64, _ open: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: SipHash24.hash(high, open, key: key))
  }
}

/// 128 secret bits.
public struct SipHashKey: Sendable, Equatable {
  public let k0: UInt64
  public let k1: UInt64
  public init(k0: UInt64, k1: UInt64) {
    self.k0 = k0
    self.k1 = k1
  }

  public static func random() -> SipHashKey {
    SipHashKey(k0: .random(in: .min ... .max), k1: .random(in: .min ... .max))
  }
}

/// SipHash-2-4 (Aumasson and Bernstein, 2012) over exactly two 64-bit words. The standard library's `Hasher` cannot be
/// given a key, and its algorithm may change between releases.
package enum SipHash24 {
  package static func hash(_ first: UInt64, _ second: UInt64, key: SipHashKey) -> UInt64 {
    var v0 = key.k0 ^ 0x736f_6d65_7073_6575
    var v1 = key.k1 ^ 0x646f_7261_6e64_6f6d
    var v2 = key.k0 ^ 0x6c79_6765_6e65_7261
    var v3 = key.k1 ^ 0x7465_6462_7974_6573
    func rotated(_ x: UInt64, _ by: UInt64) -> UInt64 { x << by | x >> (64 - by) }
    func round() {
      v0 &+= v1
      v1 = rotated(v1, 13) ^ v0
      v0 = rotated(v0, 32)
      v2 &+= v3
      v3 = rotated(v3, 16) ^ v2
      v0 &+= v3
      v3 = rotated(v3, 21) ^ v0
      v2 &+= v1
      v1 = rotated(v1, 17) ^ v2
      v2 = rotated(v2, 32)
    }
    func absorb(_ word: UInt64) {
      v3 ^= word
      round()
      round()
      v0 ^= word
    }
    absorb(first)
    absorb(second)
    // The last word holds the length (16 bytes) in its top byte.
    absorb(16 << 56)
    v2 ^= 0xff
    for _ in 0..<4 { round() }
    return v0 ^ v1 ^ v2 ^ v3
  }
}
