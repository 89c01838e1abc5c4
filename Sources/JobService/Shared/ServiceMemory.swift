/// The shared memory of one server: made by the master before its first fork, and never unmapped.
public struct ServiceMemory: Sendable {
  let board: JobBoard
  let notices: NoticeRings
  let seats: SeatBoard
  let workers: WorkerTable
  let counters: Counters
  let events: EventRing

  /// Bytes to map for this many seats.
  public static func byteCount(seats: Int) -> Int { wordCount(seats: seats) * 8 }

  private static func wordCount(seats: Int) -> Int {
    JobBoard.wordCount + NoticeRings.wordCount(seats: seats) + SeatBoard.wordCount(seats: seats)
      + WorkerTable.wordCount(seats: seats) + Counters.wordCount(seats: seats) + EventRing.wordCount
  }

  /// - Parameter memory: zeroed, shared with all children, ``byteCount(seats:)`` long.
  public init(_ memory: UnsafeMutableRawPointer, seats: Int) {
    var carver = SharedCarver(SharedWords(memory, count: Self.wordCount(seats: seats)))
    board = JobBoard(carver.take(JobBoard.wordCount))
    notices = NoticeRings(carver.take(NoticeRings.wordCount(seats: seats)), seats: seats)
    self.seats = SeatBoard(carver.take(SeatBoard.wordCount(seats: seats)), seats: seats)
    workers = WorkerTable(carver.take(WorkerTable.wordCount(seats: seats)))
    counters = Counters(carver.take(Counters.wordCount(seats: seats)), seats: seats)
    events = EventRing(carver.take(EventRing.wordCount))
    events.begin(epoch: .random(in: 1 ... .max))
  }
}
