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
  case cacheHits, cacheMisses
  case workersReplaced
  case workersCrashed, workersTimedOut, workersOutOfMemory, workersLost
  case eventStreamsDropped
  case callbacksDelivered, callbacksRetried, callbacksFailed
  case scheduleRuns, scheduleRefusals, scheduleSkips
}

struct Counters: Sendable {
  private static let routes = Contract.resources.count
  /// The statuses that are told apart; any other is counted as the last, 0.
  static let statuses = [
    200, 201, 202, 204, 206, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 422, 428,
    429, 431, 500, 501, 503, 504, 505, 0,
  ]
  private static let refusals = Refusal.allCases
  private static let wordsASeat = Counter.allCases.count + routes * statuses.count + refusals.count
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
    let place = Self.statuses.firstIndex(of: status) ?? Self.statuses.count - 1
    words.add(requestIndex(resource, place: place, seat: seat))
  }

  private func requestIndex(_ resource: Int, place: Int, seat: Int) -> Int {
    seat * Self.wordsASeat + Counter.allCases.count + resource * Self.statuses.count + place
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

  /// - Parameter place: an index in ``statuses``.
  func requests(_ resource: Int, place: Int, seats: [Int]) -> UInt64 {
    seats.reduce(0) { $0 &+ words.load(requestIndex(resource, place: place, seat: $1)) }
  }
}
