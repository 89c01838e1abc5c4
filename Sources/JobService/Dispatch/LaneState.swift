// How many jobs one acceptor holds of one executor: pure counting, no clock, no I/O.
//
//   line (in the store) ──claim──▶ backlog ──▶ running ──▶ finishing
//                       submit, when nobody is ahead ─┘
//
// Short jobs would leave their worker idle while the commit that claims the next one runs. So a lane whose jobs are short
// claims a few ahead: a backlog worth some milliseconds, never more, and what waits in it for long goes back to the line.
// A batch may ask for the same where its jobs are not short (`chunk_size`).

struct LaneState: Sendable, Equatable {
  /// How many jobs the executor runs at once.
  var slots: Int
  /// Attempts that run.
  private(set) var running = 0
  /// Claimed jobs that wait for a slot here.
  private(set) var backlog = 0
  /// Places promised to submits whose commit is under way.
  private(set) var reserved = 0
  /// A claim is under way, of so many jobs.
  private(set) var claiming = 0
  /// The line's generation at which it was last found empty.
  private(set) var emptyAt: UInt64?
  /// Of the last attempts, in microseconds, weighted towards the latest; `nil` before the first.
  private(set) var averageRunMicroseconds: Double?
  /// Jobs that each slot shall have claimed at once, because the batch that was claimed from last says so; 1 otherwise.
  var chunkSize = 1
  /// Nothing is taken from the line any more.
  var isClosed = false

  private let claimsAhead: Bool

  /// What a backlog may be worth, and the longest run it is worth having one for.
  static let aheadMicroseconds = 10_000.0
  static let shortRunMicroseconds = 5_000.0
  static let aheadLimitPerSlot = 64
  static let claimLimit = 256

  init(slots: Int, claimsAhead: Bool) {
    self.slots = slots
    self.claimsAhead = claimsAhead
  }

  /// Jobs worth holding beyond those that run.
  var ahead: Int {
    guard claimsAhead, slots > 0 else { return 0 }
    let asked = min(chunkSize, Self.claimLimit) - 1
    guard let average = averageRunMicroseconds, average < Self.shortRunMicroseconds else { return slots * asked }
    return slots * max(asked, min(Self.aheadLimitPerSlot, Int(Self.aheadMicroseconds / max(average, 1))))
  }

  var room: Int { isClosed ? 0 : max(0, slots + ahead - running - backlog - reserved - claiming) }

  var hasFreeSlot: Bool { running < slots }

  /// No job is on its way here from the store.
  var isQuiet: Bool { reserved == 0 && claiming == 0 }

  /// Whether a job that is submitted now may start here without passing anybody in the line.
  func mayStartAtOnce(lineGeneration: UInt64) -> Bool { room > 0 && emptyAt == lineGeneration }

  mutating func reserve() { reserved += 1 }
  mutating func unreserve() { reserved -= 1 }

  /// How many jobs to claim now; 0: none.
  ///
  /// With a backlog, waits until a quarter of it is free: a claim for each job would be a query a job.
  func claimSize(lineGeneration: UInt64) -> Int {
    guard claiming == 0, emptyAt != lineGeneration else { return 0 }
    let room = room
    let worthwhile = hasFreeSlot && backlog == 0 ? 1 : max(1, (slots + ahead) / 4)
    return room >= worthwhile ? min(room, Self.claimLimit) : 0
  }

  mutating func claimBegan(_ size: Int) { claiming = size }

  /// - Parameter lineGeneration: read before the claim began.
  mutating func claimEnded(found: Int, lineGeneration: UInt64) {
    // Fewer than asked for: nobody is left in line, as of that generation.
    if found < claiming { emptyAt = lineGeneration }
    claiming = 0
  }

  /// The claim failed; whether the line is empty is not known.
  mutating func claimFailed() {
    claiming = 0
    emptyAt = nil
  }

  mutating func backlogged() { backlog += 1 }
  mutating func leftBacklog() { backlog -= 1 }

  /// What waited here for long goes back to the line. Runs are not short now, so nothing is claimed ahead before the next
  /// one has ended: else the same jobs would be claimed and returned over and over.
  mutating func backlogReturned() {
    backlog = 0
    averageRunMicroseconds = nil
    chunkSize = 1
  }

  mutating func started() { running += 1 }

  mutating func ended(runMicroseconds: Double) {
    running -= 1
    averageRunMicroseconds = averageRunMicroseconds.map { $0 * 0.875 + runMicroseconds * 0.125 } ?? runMicroseconds
  }
}
