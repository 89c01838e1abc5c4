import HandlerAPI
import Testing

@testable import Handlers

@Suite struct CountPrimesTests {
  private func count(_ below: Int) throws -> Int { try CountPrimes.count(below: below, Recorder().context()) }

  @Test(
    "counts the primes below powers of ten (OEIS A006880)",
    arguments: [
      (10, 4), (100, 25), (1000, 168), (10_000, 1229), (100_000, 9592), (1_000_000, 78_498),
      (10_000_000, 664_579), (100_000_000, 5_761_455),
    ])
  func powersOfTen(below: Int, expected: Int) throws { #expect(try count(below) == expected) }

  @Test("agrees with trial division below every small limit")
  func smallLimits() throws {
    var expected = 0
    for limit in 2...1000 {
      #expect(try count(limit) == expected, "below \(limit)")
      if (2..<limit).allSatisfy({ $0 * $0 > limit || limit % $0 != 0 }) { expected += 1 }
    }
  }

  @Test("a prime at a segment's edge is counted once")
  func segmentEdges() throws {
    // Trial division decides about the numbers around the end of the first segment.
    let edge = SegmentedSieve.segmentBytes * 30
    func isPrime(_ number: Int) -> Bool { !(2...2900).contains { number % $0 == 0 } }
    let before = try count(edge - 60)
    #expect(try count(edge) - before == (edge - 60..<edge).count { isPrime($0) })
    #expect(try count(edge + 1) == count(edge))
    #expect(try count(edge + 60) - before == (edge - 60..<edge + 60).count { isPrime($0) })
  }

  @Test("a limit that is a prime, or a prime's square, is itself left out")
  func exclusiveLimit() throws {
    #expect(try count(7919) == 999)
    #expect(try count(7920) == 1000)
    // 9973 is the largest prime below 10⁴: its square needs it as a divisor.
    #expect(try count(9973 * 9973 + 1) == count(9973 * 9973))
  }

  @Test("reports progress that rises to the limit")
  func progress() throws {
    let recorder = Recorder()
    _ = try CountPrimes.count(below: 50_000_000, recorder.context())
    let completed = recorder.reports.map(\.completed)
    #expect(completed.count > 4)
    #expect(completed == completed.sorted())
    #expect(completed.last == 50_000_000)
    #expect(recorder.reports.allSatisfy { $0.total == 50_000_000 })
  }

  @Test("stops at the first look after it was cancelled")
  func cancellation() {
    let recorder = Recorder(cancelAtLook: 2)
    #expect(throws: CancellationError.self) {
      try CountPrimes.count(below: 1_000_000_000_000, recorder.context())
    }
    #expect(recorder.looks == 2)
  }
}
