// A segmented sieve of Eratosthenes on a wheel of 30: one byte holds the eight numbers of 30 consecutive ones that 2, 3
// and 5 do not divide. Byte b, bit j stands for 30·b + residues[j].
//
// For a prime p the multiples worth crossing off are p·(30k + r) for the eight residues r. They lie at the same eight
// offsets, under the same eight masks, from byte p·k on, whatever k is; so one group of eight is crossed off without a
// branch, and the next one begins p bytes further on.

/// Counts primes segment by segment, in memory that depends on the square root of the limit only.
struct SegmentedSieve: ~Copyable {
  /// Fits a core's second-level cache with room to spare, and spans 7.9 million numbers: at 10¹², where the largest
  /// sieving prime is 10⁶, every one still hits each segment. Processor time below 10¹⁰ with 32, 64, 128, 256, 512 KiB:
  /// 3.0, 2.2, 1.9, 1.7, 1.6 s (AMD EPYC, 1 MiB of second-level cache a core, other load beside it).
  static let segmentBytes = 256 * 1024

  /// The primes below the limit that the segments do not count: those of the wheel, and those that cross themselves off
  /// (all below 30).
  let smallPrimes: Int
  /// How far the segments counted so far reach.
  private(set) var sievedBelow = 0

  private let limit: Int
  /// Bytes that hold numbers below the limit.
  private let totalBytes: Int
  private var firstByte = 0
  private var sievers: [Siever]
  /// How many of `sievers`, from the smallest on, have squares below the end of the segments reached so far.
  private var active = 0
  private let segment: UnsafeMutableBufferPointer<UInt8>

  private struct Siever {
    let prime: UInt32
    /// Where its next group of eight begins, from the start of the next segment; negative where the last group reached
    /// beyond the previous one.
    var position: Int32
  }

  /// Numbers up to 10¹² keep primes and positions within 32 bits.
  init(below limit: Int) {
    precondition(limit <= 1_000_000_000_000, "the sieve's positions hold limits up to 10^12")
    self.limit = limit
    totalBytes = (max(limit, 0) + 29) / 30
    smallPrimes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29].count { $0 < limit }
    sievers = Self.primes(through: Self.squareRoot(limit)).filter { $0 > SmallPrimePattern.largest }
      .map { Siever(prime: UInt32($0), position: 0) }
    segment = .allocate(capacity: min(Self.segmentBytes, max(totalBytes, 1)))
  }

  deinit { segment.deallocate() }

  /// Sieves one more segment and returns how many primes of 30 and above it holds; `nil` when all is done.
  mutating func countNextSegment() -> Int? {
    let byteCount = min(segment.count, totalBytes - firstByte)
    if byteCount <= 0 { return nil }
    let end = (firstByte + byteCount) * 30
    let bytes = UnsafeMutableBufferPointer(rebasing: segment[..<byteCount])
    SmallPrimePattern.shared.fill(bytes, from: firstByte)
    activate(squaresBelow: end)
    sievers.withUnsafeMutableBufferPointer { sievers in
      for index in 0..<active {
        let prime = Int(sievers[index].prime)
        let next = Self.crossOff(prime, from: Int(sievers[index].position), in: bytes)
        sievers[index].position = Int32(truncatingIfNeeded: next - byteCount)
      }
    }
    if firstByte == 0 { bytes[0] = 0 }  // 1, and the primes below 30: counted apart
    if end > limit { dropNumbers(from: limit, in: bytes) }
    firstByte += byteCount
    sievedBelow = end
    return Self.countBits(bytes)
  }

  /// Takes in the primes whose squares lie in this segment. Multiples below a prime's square have smaller factors, so its
  /// first group is the one that holds the square.
  private mutating func activate(squaresBelow end: Int) {
    while active < sievers.count {
      let prime = Int(sievers[active].prime)
      if prime * prime >= end { return }
      sievers[active].position = Int32(truncatingIfNeeded: prime * (prime / 30) - firstByte)
      active += 1
    }
  }

  /// Clears the multiples of `prime` from the group at `start` on. Returns where the first group begins that has members
  /// beyond the segment: the next segment crosses off the rest of it.
  private static func crossOff(
    _ prime: Int, from start: Int, in bytes: UnsafeMutableBufferPointer<UInt8>
  ) -> Int {
    // `unsafelyUnwrapped`: a segment has at least one byte.
    let base = bytes.baseAddress.unsafelyUnwrapped
    let count = bytes.count
    let wheel = Wheel.steps[Wheel.indexOfResidue[prime % 30]]
    let q = prime / 30
    let o0 = q &+ wheel.carry.0
    let o1 = q &* 7 &+ wheel.carry.1
    let o2 = q &* 11 &+ wheel.carry.2
    let o3 = q &* 13 &+ wheel.carry.3
    let o4 = q &* 17 &+ wheel.carry.4
    let o5 = q &* 19 &+ wheel.carry.5
    let o6 = q &* 23 &+ wheel.carry.6
    let o7 = q &* 29 &+ wheel.carry.7
    let mask = wheel.mask

    @inline(__always) func clearIfInside(_ index: Int, _ mask: UInt8) {
      // One comparison for both ends: a negative index is a huge unsigned one.
      if UInt(bitPattern: index) < UInt(bitPattern: count) { base[index] &= mask }
    }
    @inline(__always) func clearWhatIsInside(_ at: Int) {
      clearIfInside(at &+ o0, mask.0)
      clearIfInside(at &+ o1, mask.1)
      clearIfInside(at &+ o2, mask.2)
      clearIfInside(at &+ o3, mask.3)
      clearIfInside(at &+ o4, mask.4)
      clearIfInside(at &+ o5, mask.5)
      clearIfInside(at &+ o6, mask.6)
      clearIfInside(at &+ o7, mask.7)
    }

    var at = start
    while at < 0 {
      clearWhatIsInside(at)
      if at &+ o7 >= count { return at }
      at &+= prime
    }
    let lastWhole = count &- o7
    while at < lastWhole {
      let group = base + at
      group[o0] &= mask.0
      group[o1] &= mask.1
      group[o2] &= mask.2
      group[o3] &= mask.3
      group[o4] &= mask.4
      group[o5] &= mask.5
      group[o6] &= mask.6
      group[o7] &= mask.7
      at &+= prime
    }
    clearWhatIsInside(at)
    return at
  }

  private func dropNumbers(from limit: Int, in bytes: UnsafeMutableBufferPointer<UInt8>) {
    // The limit lies in the last byte: `totalBytes` is rounded up from it.
    let last = bytes.count - 1
    let base = (firstByte + last) * 30
    for (bit, residue) in Wheel.residues.enumerated() where base + residue >= limit {
      bytes[last] &= ~(1 << UInt8(bit))
    }
  }

  private static func countBits(_ bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let raw = UnsafeRawBufferPointer(bytes)
    var count = 0
    let wholeWords = raw.count & ~7
    for offset in stride(from: 0, to: wholeWords, by: 8) {
      count &+= raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self).nonzeroBitCount
    }
    for offset in wholeWords..<raw.count { count &+= raw[offset].nonzeroBitCount }
    return count
  }

  /// All primes up to and including `last`, at most 10⁶ here: a plain sieve is instant.
  private static func primes(through last: Int) -> [Int] {
    if last < 2 { return [] }
    var composite = [Bool](repeating: false, count: last + 1)
    var primes: [Int] = []
    for number in 2...last where !composite[number] {
      primes.append(number)
      for multiple in stride(from: number * number, through: last, by: number) { composite[multiple] = true }
    }
    return primes
  }

  private static func squareRoot(_ number: Int) -> Int {
    var root = Int(Double(max(number, 0)).squareRoot())
    while root * root > number { root -= 1 }
    while (root + 1) * (root + 1) <= number { root += 1 }
    return root
  }
}
