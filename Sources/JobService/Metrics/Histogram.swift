// Histograms in shared memory: a count for each bucket, and the sum. Only the acceptor in a seat writes that seat's.

/// The upper ends of a histogram's buckets; the last bucket has none.
struct Buckets: Sendable {
  /// As they stand in the label `le`, in the metric's unit.
  let labels: [String]
  /// In what is recorded: microseconds, or things.
  let limits: [UInt64]

  /// Of durations, given in seconds.
  init(seconds: [Double]) {
    labels = seconds.map(Self.label)
    limits = seconds.map { UInt64(($0 * 1e6).rounded()) }
  }

  init(counts: [UInt64]) {
    labels = counts.map(String.init)
    limits = counts
  }

  /// Without the `.0` of whole numbers, as Prometheus' own libraries write them.
  private static func label(_ value: Double) -> String {
    value == value.rounded() ? String(Int(value)) : String(value)
  }

  /// The buckets, the one without an end, and the sum.
  var wordCount: Int { limits.count + 2 }

  func index(of value: UInt64) -> Int { limits.firstIndex { value <= $0 } ?? limits.count }

  /// From a poll that found its reply ready to a wait of a minute.
  static let requests = Buckets(
    seconds: [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60])
  /// From a job that starts at once to a line that is hours long.
  static let jobs = Buckets(
    seconds: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3600, 21_600])
  static let commits = Buckets(
    seconds: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5])
  static let commitSizes = Buckets(counts: [1, 2, 5, 10, 20, 50, 100, 200, 500])
}

/// The same histogram of every seat.
struct Histogram: Sendable {
  let buckets: Buckets
  private let words: SharedWords
  private let start: Int
  private let stride: Int

  /// - Parameters:
  ///   - start: of the first seat's words.
  ///   - stride: from one seat's to the next's.
  init(_ buckets: Buckets, _ words: SharedWords, start: Int, stride: Int) {
    self.buckets = buckets
    self.words = words
    self.start = start
    self.stride = stride
  }

  func record(_ value: UInt64, seat: Int) {
    let first = start + seat * stride
    words.add(first + buckets.index(of: value))
    words.add(first + buckets.limits.count + 1, value)
  }

  func record(_ duration: Duration, seat: Int) {
    record(UInt64(max(0, duration.microsecondsClamped)), seat: seat)
  }

  /// Over some seats: how many values fell into each bucket, and their sum.
  func total(seats: [Int]) -> (counts: [UInt64], sum: UInt64) {
    var counts = [UInt64](repeating: 0, count: buckets.limits.count + 1)
    var sum: UInt64 = 0
    for seat in seats {
      let first = start + seat * stride
      for index in counts.indices { counts[index] &+= words.load(first + index) }
      sum &+= words.load(first + counts.count)
    }
    return (counts, sum)
  }
}
