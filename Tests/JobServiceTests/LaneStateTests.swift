import Testing

@testable import JobService

@Suite("The state of a lane")
struct LaneStateTests {
  @Test("a new lane claims as much as it has slots, because it does not know that the line is empty")
  func firstClaim() {
    let lane = LaneState(slots: 2, claimsAhead: true)
    #expect(lane.claimSize(lineGeneration: 0) == 2)
    #expect(!lane.mayStartAtOnce(lineGeneration: 0))
  }

  @Test("a submit may start at once only where the line was found empty and nobody joined since")
  func startAtOnce() {
    var lane = LaneState(slots: 1, claimsAhead: false)
    lane.claimBegan(1)
    lane.claimEnded(found: 0, lineGeneration: 7)
    #expect(lane.mayStartAtOnce(lineGeneration: 7))
    #expect(!lane.mayStartAtOnce(lineGeneration: 8))
    lane.reserve()
    #expect(!lane.mayStartAtOnce(lineGeneration: 7))
    lane.unreserve()
    #expect(lane.mayStartAtOnce(lineGeneration: 7))
  }

  @Test("a claim that finds all it asked for says nothing about the rest of the line")
  func fullClaim() {
    var lane = LaneState(slots: 1, claimsAhead: false)
    lane.claimBegan(1)
    lane.claimEnded(found: 1, lineGeneration: 3)
    #expect(!lane.mayStartAtOnce(lineGeneration: 3))
    lane.started()
    #expect(lane.claimSize(lineGeneration: 3) == 0)
    lane.ended(runMicroseconds: 1_000_000)
    #expect(lane.claimSize(lineGeneration: 3) == 1)
  }

  @Test("one claim at a time")
  func oneClaim() {
    var lane = LaneState(slots: 4, claimsAhead: false)
    lane.claimBegan(lane.claimSize(lineGeneration: 1))
    #expect(lane.claimSize(lineGeneration: 1) == 0)
    lane.claimFailed()
    #expect(lane.claimSize(lineGeneration: 1) == 4)
  }

  @Test("long jobs are not claimed ahead, short ones a few milliseconds' worth")
  func ahead() {
    var lane = LaneState(slots: 2, claimsAhead: true)
    lane.started()
    lane.ended(runMicroseconds: 200_000)
    #expect(lane.ahead == 0)
    var short = LaneState(slots: 2, claimsAhead: true)
    short.started()
    short.ended(runMicroseconds: 1000)
    #expect(short.ahead == 20)
    #expect(short.room == 22)
    short.started()
    short.ended(runMicroseconds: 1)
    #expect(short.ahead <= 2 * LaneState.aheadLimitPerSlot)
  }

  @Test("a batch may ask for more at once, however long its jobs are, until they were returned")
  func chunks() {
    var lane = LaneState(slots: 2, claimsAhead: true)
    lane.chunkSize = 10
    #expect(lane.ahead == 18 && lane.claimSize(lineGeneration: 1) == 20)
    lane.started()
    lane.ended(runMicroseconds: 60_000_000)
    #expect(lane.ahead == 18)
    lane.started()
    lane.ended(runMicroseconds: 1)
    lane.chunkSize = 1_000_000
    #expect(lane.ahead == 2 * (LaneState.claimLimit - 1))
    lane.backlogReturned()
    #expect(lane.ahead == 0)
    var tasks = LaneState(slots: 2, claimsAhead: false)
    tasks.chunkSize = 10
    #expect(tasks.ahead == 0)
  }

  @Test("a lane that may not claim ahead never does")
  func neverAhead() {
    var lane = LaneState(slots: 3, claimsAhead: false)
    lane.started()
    lane.ended(runMicroseconds: 10)
    #expect(lane.ahead == 0)
    #expect(lane.room == 3)
  }

  @Test("a closed lane takes nothing")
  func closed() {
    var lane = LaneState(slots: 2, claimsAhead: true)
    lane.claimBegan(2)
    lane.claimEnded(found: 0, lineGeneration: 1)
    lane.isClosed = true
    #expect(lane.room == 0)
    #expect(lane.claimSize(lineGeneration: 9) == 0)
    #expect(!lane.mayStartAtOnce(lineGeneration: 1))
  }

  @Test("with a backlog it waits until a worthwhile part of it is free")
  func worthwhile() {
    var lane = LaneState(slots: 1, claimsAhead: true)
    lane.started()
    lane.ended(runMicroseconds: 1000)
    #expect(lane.ahead == 10)
    lane.started()
    for _ in 0..<9 { lane.backlogged() }
    #expect(lane.claimSize(lineGeneration: 5) == 0)
    lane.leftBacklog()
    lane.leftBacklog()
    #expect(lane.claimSize(lineGeneration: 5) == 3)
  }

  @Test("what was returned to the line is not claimed ahead again before a run has ended")
  func returnedBacklog() {
    var lane = LaneState(slots: 1, claimsAhead: true)
    lane.started()
    lane.ended(runMicroseconds: 100)
    lane.started()
    lane.claimBegan(3)
    lane.claimEnded(found: 3, lineGeneration: 5)
    for _ in 0..<3 { lane.backlogged() }
    lane.backlogReturned()
    #expect(lane.backlog == 0 && lane.claimSize(lineGeneration: 6) == 0)
    lane.ended(runMicroseconds: 100)
    #expect(lane.claimSize(lineGeneration: 6) > 1)
  }

  @Test("a lane is quiet only while no claim and no submit is under way")
  func quiet() {
    var lane = LaneState(slots: 1, claimsAhead: false)
    #expect(lane.isQuiet)
    lane.claimBegan(1)
    #expect(!lane.isQuiet)
    lane.claimEnded(found: 0, lineGeneration: 1)
    #expect(lane.isQuiet)
    lane.reserve()
    #expect(!lane.isQuiet)
    lane.unreserve()
    #expect(lane.isQuiet)
  }
}
