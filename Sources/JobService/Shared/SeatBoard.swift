import JobModel

/// What each acceptor publishes about itself, for the others and for `/v1/processes` and `/metrics`.
struct SeatBoard: Sendable {
  private enum Word: Int, CaseIterable {
    case freeTask, freeThread, freeProcess
    case waiters
    case connections
    case tasksRunning, threadsRunning, processesRunning
    case forkServerPID, forkServerRestarts
    case slotsTask, slotsThread, slotsProcess
    case paceTask, paceThread, paceProcess
  }
  private static let wordsASeat = 32
  static func wordCount(seats: Int) -> Int { seats * wordsASeat }

  private let words: SharedWords
  let seats: Int

  init(_ words: SharedWords, seats: Int) {
    self.words = words
    self.seats = seats
  }

  private func index(_ seat: Int, _ word: Word) -> Int { seat * Self.wordsASeat + word.rawValue }

  private func freeWord(_ executor: Executor) -> Word {
    switch executor {
    case .task: .freeTask
    case .thread: .freeThread
    case .process: .freeProcess
    }
  }

  private func runningWord(_ executor: Executor) -> Word {
    switch executor {
    case .task: .tasksRunning
    case .thread: .threadsRunning
    case .process: .processesRunning
    }
  }

  /// Room for jobs that this seat would take from the line at once. Published before the line is looked at, and read
  /// after a job has joined it: so either the seat sees the job, or the submitter sees the room and wakes the seat.
  func setFree(_ count: Int, _ executor: Executor, seat: Int) {
    words.store(index(seat, freeWord(executor)), UInt64(max(0, count)))
  }
  func free(_ executor: Executor, seat: Int) -> Int { Int(words.load(index(seat, freeWord(executor)))) }

  /// How many clients of this seat wait for a job to change.
  func setWaiters(_ count: Int, seat: Int) { words.store(index(seat, .waiters), UInt64(count)) }
  func waiters(seat: Int) -> Int { Int(words.load(index(seat, .waiters))) }

  func setConnections(_ count: Int, seat: Int) { words.store(index(seat, .connections), UInt64(count)) }
  func connections(seat: Int) -> Int { Int(words.load(index(seat, .connections))) }

  func setRunning(_ count: Int, _ executor: Executor, seat: Int) {
    words.store(index(seat, runningWord(executor)), UInt64(count))
  }
  func running(_ executor: Executor, seat: Int) -> Int { Int(words.load(index(seat, runningWord(executor)))) }

  /// How many jobs the seat runs at once, and how long its last ones took.
  func setPace(_ executor: Executor, slots: Int, averageMicroseconds: Double?, seat: Int) {
    let (slotsWord, paceWord) = paceWords(executor)
    words.store(index(seat, slotsWord), UInt64(max(0, slots)))
    words.store(index(seat, paceWord), UInt64((averageMicroseconds ?? 0).rounded(.up)))
  }

  /// `runMicroseconds` is `nil` where no job has ended yet.
  func pace(_ executor: Executor, seat: Int) -> (slots: Int, runMicroseconds: Double?) {
    let (slotsWord, paceWord) = paceWords(executor)
    let pace = words.load(index(seat, paceWord))
    return (Int(words.load(index(seat, slotsWord))), pace == 0 ? nil : Double(pace))
  }

  private func paceWords(_ executor: Executor) -> (slots: Word, pace: Word) {
    switch executor {
    case .task: (.slotsTask, .paceTask)
    case .thread: (.slotsThread, .paceThread)
    case .process: (.slotsProcess, .paceProcess)
    }
  }

  func setForkServer(pid: Int32, restarts: Int, seat: Int) {
    words.store(index(seat, .forkServerPID), UInt64(UInt32(bitPattern: pid)))
    words.store(index(seat, .forkServerRestarts), UInt64(restarts))
  }
  func forkServer(seat: Int) -> (pid: Int32, restarts: Int) {
    (
      Int32(truncatingIfNeeded: words.load(index(seat, .forkServerPID))),
      Int(words.load(index(seat, .forkServerRestarts)))
    )
  }

  /// Forgets what a dead acceptor published.
  func clear(seat: Int) {
    for word in Word.allCases { words.store(index(seat, word), 0) }
  }
}
