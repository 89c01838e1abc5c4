// What is measured, by seat, beside what `Counters` counts.

import JobModel

struct Measurements: Sendable {
  /// How an attempt ended, as the label `outcome`.
  enum AttemptEnding: Int, CaseIterable, Sendable {
    case succeeded, handlerError, crashed, timedOut, memoryExceeded, invalidArgs, invalidResult, lost, cancelled
    case handedBack

    init(_ outcome: JobOutcome?) {
      switch outcome {
      case nil: self = .handedBack
      case .succeeded: self = .succeeded
      case .cancelled: self = .cancelled
      case .failed(let error):
        switch error.kind {
        case .handlerError: self = .handlerError
        case .crashed: self = .crashed
        case .timedOut: self = .timedOut
        case .memoryExceeded: self = .memoryExceeded
        case .invalidArgs: self = .invalidArgs
        case .invalidResult: self = .invalidResult
        case .lost: self = .lost
        case .cancelled: self = .cancelled
        }
      }
    }

    var label: String {
      switch self {
      case .succeeded: "succeeded"
      case .handlerError: "handler_error"
      case .crashed: "crashed"
      case .timedOut: "timed_out"
      case .memoryExceeded: "memory_exceeded"
      case .invalidArgs: "invalid_args"
      case .invalidResult: "invalid_result"
      case .lost: "lost"
      case .cancelled: "cancelled"
      case .handedBack: "handed_back"
      }
    }
  }

  /// Where a seat's words are.
  private enum Layout {
    static let used = 0
    static let requests = 1
    static let commits = requests + Contract.resources.count * Buckets.requests.wordCount
    static let commitSizes = commits + Buckets.commits.wordCount
    static let handlers = commitSizes + Buckets.commitSizes.wordCount
    static let wordsAHandler = 2 * Buckets.jobs.wordCount + AttemptEnding.allCases.count
    static let wordsASeat = handlers + HandlerNames.capacity * wordsAHandler
  }
  static func wordCount(seats: Int) -> Int { seats * Layout.wordsASeat + HandlerNames.wordCount }

  let handlers: HandlerNames
  private let words: SharedWords
  private let seats: Int

  init(_ words: SharedWords, seats: Int) {
    self.words = words.slice(0, seats * Layout.wordsASeat)
    handlers = HandlerNames(words.slice(seats * Layout.wordsASeat, HandlerNames.wordCount))
    self.seats = seats
  }

  private func histogram(_ buckets: Buckets, at start: Int) -> Histogram {
    Histogram(buckets, words, start: start, stride: Layout.wordsASeat)
  }

  /// - Parameter resource: an index in ``Contract/resources``.
  func requests(_ resource: Int) -> Histogram {
    histogram(.requests, at: Layout.requests + resource * Buckets.requests.wordCount)
  }
  var commits: Histogram { histogram(.commits, at: Layout.commits) }
  var commitSizes: Histogram { histogram(.commitSizes, at: Layout.commitSizes) }

  /// - Parameter handler: its number among ``handlers``.
  func waits(_ handler: Int) -> Histogram { histogram(.jobs, at: startOf(handler)) }
  func runs(_ handler: Int) -> Histogram { histogram(.jobs, at: startOf(handler) + Buckets.jobs.wordCount) }

  func count(_ ending: AttemptEnding, of handler: Int, seat: Int) {
    words.add(seat * Layout.wordsASeat + startOf(handler) + 2 * Buckets.jobs.wordCount + ending.rawValue)
  }

  func total(_ ending: AttemptEnding, of handler: Int, seats: [Int]) -> UInt64 {
    seats.reduce(0) {
      $0 &+ words.load($1 * Layout.wordsASeat + startOf(handler) + 2 * Buckets.jobs.wordCount + ending.rawValue)
    }
  }

  private func startOf(_ handler: Int) -> Int {
    Layout.handlers + min(max(handler, 0), HandlerNames.capacity - 1) * Layout.wordsAHandler
  }

  /// The seats that ever had an acceptor: only those are worth adding up.
  var usedSeats: [Int] { (0..<seats).filter { words.load($0 * Layout.wordsASeat + Layout.used) != 0 } }

  func use(seat: Int) { words.store(seat * Layout.wordsASeat + Layout.used, 1) }
}
