// What is counted, by seat. Only the acceptor in a seat raises its counters; they are kept when it is replaced, so totals
// never fall while the server lives.

import JobModel

/// A counter of one number.
enum Counter: Int, CaseIterable, Sendable {
  case jobsSubmitted
  case attemptsStarted
  case jobsSucceeded, jobsFailed, jobsCancelled
  case attemptsRetried, attemptsLost
  case jobsExpired
  case commits, commitWrites, commitMicroseconds
  case cacheHits, cacheMisses
  case workersReplaced
  case callbacksDelivered, callbacksRetried, callbacksFailed
  case scheduleRuns, scheduleRefusals, scheduleSkips
}

struct Counters: Sendable {
  private static let routes = Contract.resources.count
  private static let statusClasses = 6
  private static let refusals = Refusal.allCases
  private static let wordsASeat = Counter.allCases.count + routes * statusClasses + refusals.count
  static func wordCount(seats: Int) -> Int { seats * wordsASeat }

  private let words: SharedWords
  let seats: Int

  init(_ words: SharedWords, seats: Int) {
    self.words = words
    self.seats = seats
  }

  func add(_ counter: Counter, _ amount: Int = 1, seat: Int) {
    words.add(seat * Self.wordsASeat + counter.rawValue, UInt64(truncatingIfNeeded: amount))
  }

  /// - Parameter resource: an index in ``Contract/resources``.
  func addRequest(_ resource: Int, status: Int, seat: Int) {
    words.add(requestIndex(resource, statusClass: min(max(status / 100, 0), 5), seat: seat))
  }

  private func requestIndex(_ resource: Int, statusClass: Int, seat: Int) -> Int {
    seat * Self.wordsASeat + Counter.allCases.count + resource * Self.statusClasses + statusClass
  }

  func addRefusal(_ refusal: Refusal, seat: Int) { words.add(refusalIndex(refusal, seat: seat)) }

  /// They stand behind the requests.
  private func refusalIndex(_ refusal: Refusal, seat: Int) -> Int {
    guard let index = Self.refusals.firstIndex(of: refusal) else { preconditionFailure("every case is listed") }
    return (seat + 1) * Self.wordsASeat - Self.refusals.count + index
  }

  func refusals(_ refusal: Refusal) -> UInt64 {
    (0..<seats).reduce(0) { $0 &+ words.load(refusalIndex(refusal, seat: $1)) }
  }

  func total(_ counter: Counter) -> UInt64 {
    (0..<seats).reduce(0) { $0 &+ words.load($1 * Self.wordsASeat + counter.rawValue) }
  }

  func requests(_ resource: Int, statusClass: Int) -> UInt64 {
    (0..<seats).reduce(0) { $0 &+ words.load(requestIndex(resource, statusClass: statusClass, seat: $1)) }
  }
}
