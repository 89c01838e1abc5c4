import JobModel

/// The workers of every acceptor, as `/v1/processes` shows them. Each acceptor writes its own rows.
struct WorkerTable: Sendable {
  struct Row: Sendable, Equatable {
    var pid: Int32
    /// The job it works on.
    var job: JobID?
    var jobsDone: Int
  }

  /// The most workers an acceptor may have.
  static let workersASeat = 240
  /// More than that: for a moment a worker that ends and its successor are both there.
  static let rowsASeat = 256
  private static let wordsARow = 4
  static func wordCount(seats: Int) -> Int { seats * rowsASeat * wordsARow }

  private let words: SharedWords

  init(_ words: SharedWords) { self.words = words }

  private func start(_ seat: Int, _ row: Int) -> Int {
    precondition(row >= 0 && row < Self.rowsASeat)
    return (seat * Self.rowsASeat + row) * Self.wordsARow
  }

  func set(_ row: Row?, at index: Int, seat: Int) {
    let start = start(seat, index)
    words.store(start + 1, row?.job?.high ?? 0)
    words.store(start + 2, row?.job?.low ?? 0)
    words.store(start + 3, UInt64(row?.jobsDone ?? 0))
    words.store(start, UInt64(UInt32(bitPattern: row?.pid ?? 0)))
  }

  func rows(seat: Int) -> [Row] {
    (0..<Self.rowsASeat).compactMap { index in
      let start = start(seat, index)
      let pid = Int32(truncatingIfNeeded: words.load(start))
      guard pid != 0 else { return nil }
      let id = JobID(high: words.load(start + 1), low: words.load(start + 2))
      return Row(pid: pid, job: id.high == 0 ? nil : id, jobsDone: Int(words.load(start + 3)))
    }
  }

  func clear(seat: Int) {
    for index in 0..<Self.rowsASeat where words.load(start(seat, index)) != 0 { set(nil, at: index, seat: seat) }
  }
}
