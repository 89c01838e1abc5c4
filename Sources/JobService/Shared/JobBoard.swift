import JobModel

/// What every acceptor must know of all jobs at a glance, without asking the store.
///
/// - A table of *generations*: the count for a job's id is raised after each committed change of it, so that a cached
///   reply can be told to be stale by one load. Jobs share counts (65,536 of them); a neighbour's change only costs a read.
/// - For each executor the *line's generation*: raised whenever a job joins the line. An acceptor that found the line
///   empty at a generation need not ask again before it changes. Nothing here is a count that could leak when a process
///   dies between two steps.
/// - The depth of the line as last counted, plus what joined since: an estimate for admission, corrected every second.
struct JobBoard: Sendable {
  static let generationCount = 1 << 16
  static let wordCount = generationCount + 16

  private let generations: SharedWords
  private let line: SharedWords

  init(_ words: SharedWords) {
    generations = words.slice(0, Self.generationCount)
    line = words.slice(Self.generationCount, 16)
  }

  private func slot(_ id: JobID) -> Int { Int(truncatingIfNeeded: (id.low ^ id.low >> 32 ^ id.high) & 0xffff) }

  func generation(of id: JobID) -> UInt64 { generations.load(slot(id)) }

  /// Call it after the commit that changed the job: who reads the new generation then also reads the new row.
  func markChanged(_ id: JobID) { generations.advance(slot(id)) }

  func lineGeneration(_ executor: Executor) -> UInt64 { line.load(executor.index) }

  /// Call it after the commit that put jobs into the line.
  func markJoined(_ executor: Executor, count: Int = 1) {
    line.advance(executor.index)
    line.add(4 + executor.index, UInt64(count))
  }

  /// A job was committed that waits for its time.
  func markScheduled() { line.add(8) }

  /// Raised whenever a queue is paused: what was claimed before may have to go back.
  var pauses: UInt64 { line.load(12) }
  func markPaused() { line.advance(12) }

  func markLeft(_ executor: Executor, count: Int) { line.add(4 + executor.index, 0 &- UInt64(count)) }

  /// About how many jobs wait for this executor.
  func queuedEstimate(_ executor: Executor) -> Int { max(0, Int(Int64(bitPattern: line.load(4 + executor.index)))) }

  var queuedEstimate: Int { Executor.allCases.reduce(0) { $0 + queuedEstimate($1) } }

  /// The estimates as they are when the store begins to count.
  struct Estimates {
    fileprivate let queued: [UInt64]
    fileprivate let scheduled: UInt64
  }

  var estimates: Estimates {
    Estimates(queued: Executor.allCases.map { line.load(4 + $0.index) }, scheduled: line.load(8))
  }

  /// Corrects the estimates by what the store counted.
  ///
  /// - Parameter before: taken before it began to. What joined meanwhile stays counted, whether or not the store has seen it:
  ///   until the next count it may count twice, and is never left out; what left meanwhile may be missing twice.
  func publish(
    queued: [Executor: Int], scheduled: Int, running: Int, oldestQueuedAt: Timestamp?, since before: Estimates
  ) {
    for (executor, estimate) in zip(Executor.allCases, before.queued) {
      line.add(4 + executor.index, UInt64(queued[executor] ?? 0) &- estimate)
    }
    line.add(8, UInt64(scheduled) &- before.scheduled)
    line.store(9, UInt64(running))
    line.store(10, UInt64(bitPattern: oldestQueuedAt?.microseconds ?? 0))
  }

  /// When the housekeeper will look for jobs that are due; `nil`: it is looking, or there was none. It publishes `nil` before
  /// it asks the store and the time after, so a job that is committed meanwhile is always announced.
  func publish(nextDue: Timestamp?) { line.store(11, UInt64(bitPattern: nextDue?.microseconds ?? 0)) }

  /// Whether a job that was committed as due at `due` must be announced.
  func isEarliest(_ due: Timestamp) -> Bool {
    let next = Int64(bitPattern: line.load(11))
    return next == 0 || due.microseconds < next
  }

  /// About how many jobs wait for their time: as last counted, and what came since.
  var scheduled: Int { max(0, Int(Int64(bitPattern: line.load(8)))) }
  var running: Int { Int(line.load(9)) }
  var oldestQueuedAt: Timestamp? {
    let value = Int64(bitPattern: line.load(10))
    return value == 0 ? nil : Timestamp(microseconds: value)
  }
}

extension Executor {
  /// Its place in shared tables.
  var index: Int {
    switch self {
    case .task: 0
    case .thread: 1
    case .process: 2
    }
  }
}
