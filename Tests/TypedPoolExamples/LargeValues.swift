import Multiprocessing

extension Scenario {
  /// Part of the exam: values that processes pass in memory they use again and again.
  static let largeValues: [String: Scenario] = [
    "large_values": Scenario { kind, check in
      let pool = try kind.pool(2)
      // Two sizes in turn, several at a time, each with content of its own.
      func value(_ number: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(number), count: (2 + number % 2) << 20)
        bytes[0] = 200
        return bytes
      }
      for round in 0..<6 {
        let numbers = (0..<4).map { round * 4 + $0 }
        let swapped = try await withThrowingTaskGroup(of: (Int, [UInt8]).self) { group in
          for number in numbers { group.addTask { (number, try await pool.run(Functions.swapEnds, value(number))) } }
          return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for number in numbers {
          var expected = value(number)
          expected.swapAt(0, expected.count - 1)
          check(swapped[number] == expected, "value \(number) came back otherwise")
        }
      }
    }
  ]
}
