// The tables of the wheel of 30, and the pattern of its smallest primes.

enum Wheel {
  typealias Eight<T> = (T, T, T, T, T, T, T, T)

  /// What one prime's groups look like. For p = 30·q + s the multiple p·(30k + r) lies in byte p·k + q·r + carry(r).
  struct Steps {
    /// ⌊s·r/30⌋ for each residue r.
    let carry: Eight<Int>
    /// All bits but that of s·r mod 30.
    let mask: Eight<UInt8>
  }

  static let residues = [1, 7, 11, 13, 17, 19, 23, 29]

  /// The place of a residue among the eight; 0 for numbers that share a factor with 30, which are never asked for.
  static let indexOfResidue = (0..<30).map { number in residues.firstIndex(of: number) ?? 0 }

  /// By the place of the prime's own residue.
  static let steps: [Steps] = residues.map { own in
    let carries = residues.map { own * $0 / 30 }
    let masks = residues.map { ~(UInt8(1) << UInt8(indexOfResidue[own * $0 % 30])) }
    return Steps(carry: eight(carries), mask: eight(masks))
  }

  private static func eight<T>(_ items: [T]) -> Eight<T> {
    (items[0], items[1], items[2], items[3], items[4], items[5], items[6], items[7])
  }
}

/// The multiples of 7, 11, 13 and 17 (the primes themselves included), crossed off once for all: they repeat every
/// 7·11·13·17 bytes, and copying is cheaper than the third of all crossings that they would be.
struct SmallPrimePattern {
  static let shared = SmallPrimePattern()
  static let largest = 17
  private static let primes = [7, 11, 13, 17]

  private let bytes: [UInt8]

  private init() {
    let period = Self.primes.reduce(1, *)
    var bytes = [UInt8](repeating: 0xff, count: period)
    for byte in 0..<period {
      for (bit, residue) in Wheel.residues.enumerated() {
        let number = 30 * byte + residue
        if Self.primes.contains(where: { number % $0 == 0 }) { bytes[byte] &= ~(1 << UInt8(bit)) }
      }
    }
    self.bytes = bytes
  }

  /// Sets a segment that begins at `firstByte` to the pattern.
  func fill(_ segment: UnsafeMutableBufferPointer<UInt8>, from firstByte: Int) {
    bytes.withUnsafeBytes { pattern in
      let target = UnsafeMutableRawBufferPointer(segment)
      var filled = 0
      var phase = firstByte % pattern.count
      while filled < target.count {
        let count = min(pattern.count - phase, target.count - filled)
        let piece = UnsafeRawBufferPointer(rebasing: pattern[phase..<phase + count])
        UnsafeMutableRawBufferPointer(rebasing: target[filled..<filled + count]).copyMemory(from: piece)
        filled += count
        phase = 0
      }
    }
  }
}
