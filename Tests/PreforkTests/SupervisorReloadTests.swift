import Glibc
import Testing

@testable import Prefork

@Suite("the supervisor's reload")
struct SupervisorReloadTests {
  @Test("the old generation leaves when all of the new one is ready, not before")
  func replaces() {
    var story = Story.serving(2)
    story.tell(.signal(.hangup))
    #expect(story.take() == [.reload(generation: 2)])
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    #expect(
      story.take() == [.spawn(seat: 2, generation: 2, restarts: 0), .spawn(seat: 3, generation: 2, restarts: 0)])
    story.tell(.ready(seat: 3))
    #expect(story.take() == [])
    #expect(story.state.housekeeper == 3)
    story.tell(.ready(seat: 2))
    #expect(story.take() == [.signal(seat: 0, SIGTERM), .signal(seat: 1, SIGTERM)])
    #expect(story.state.housekeeper == 2)
    story.exit(0)
    story.exit(1)
    #expect(story.take() == [])
    #expect(story.state.generation == 2)
  }

  @Test("each generation has as long to finish as its own configuration says")
  func drainLimits() {
    var story = Story.serving(1)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: .seconds(600)))
    story.tell(.ready(seat: 1))
    #expect(story.state.seats[0].stage == .leaving(killAt: story.now + Story.drainLimit))
    story.exit(0)
    // One that is made later is of the same generation.
    story.tell(.signal(.more))
    story.tell(.ready(seat: 0))
    story.tell(.signal(.terminate))
    for seat in 0...1 { #expect(story.state.seats[seat].stage == .leaving(killAt: story.now + .seconds(600))) }
  }

  @Test("what is known of generations that are gone is forgotten")
  func forgets() {
    var story = Story.serving(1)
    for generation in 2...20 {
      story.tell(.signal(.hangup))
      story.tell(.reloadSucceeded(drainLimit: .seconds(600)))
      let (old, new) = generation % 2 == 0 ? (0, 1) : (1, 0)
      story.tell(.ready(seat: new))
      story.exit(old)
    }
    #expect(story.state.generation == 20 && story.state.drainLimits.count <= 2)
  }

  @Test("a configuration that cannot be read changes nothing, and the next reload has a new number")
  func unreadable() {
    var story = Story.serving(1)
    story.tell(.signal(.hangup))
    story.tell(.reloadFailed(reason: "bad"))
    story.tell(.signal(.hangup))
    #expect(story.take() == [.reload(generation: 2), .reload(generation: 3)])
    #expect(story.state.generation == 1)
  }

  @Test("a generation that is not ready in time is killed, and its seats are free again")
  func tooLate() {
    var story = Story.serving(2)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    story.tell(.ready(seat: 2))
    story.pass(.seconds(30))
    for seat in 0..<3 { story.tell(.beat(seat: seat, at: story.now)) }
    story.asked = []
    story.tell(.tick)
    #expect(story.take() == [.kill(seat: 2), .kill(seat: 3)])
    story.exit(2)
    story.exit(3)
    #expect(story.take() == [])
    #expect(story.state.reload == .none)
    #expect(story.state.seats.count { $0.stage == .empty } == 6)
  }

  @Test("a generation that crashes again and again is given up before its time")
  func crashes() {
    var story = Story.serving(1)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    for _ in 1...5 {
      #expect(story.state.startingGeneration == 2)
      story.exit(1)
      story.pass(.seconds(2))
      story.tell(.tick)
    }
    #expect(story.state.reload == .none)
    #expect(!story.state.isStopping)
    #expect(story.state.seats[1].stage == .empty)
  }

  @Test("an old acceptor that dies meanwhile is replaced by one of its own generation")
  func oldDiesMeanwhile() {
    var story = Story.serving(1)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    story.asked = []
    story.exit(0)
    #expect(story.take() == [.spawn(seat: 0, generation: 1, restarts: 1)])
  }

  @Test("requests that come during a reload are one more reload after it")
  func askedAgain() {
    var story = Story.serving(1)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    story.tell(.signal(.hangup))
    story.tell(.signal(.hangup))
    story.asked = []
    story.tell(.ready(seat: 1))
    #expect(story.take() == [.signal(seat: 0, SIGTERM), .reload(generation: 3)])
    story.tell(.reloadFailed(reason: "x"))
    #expect(story.take() == [])
  }

  @Test("a reload waits until enough seats are free")
  func waitsForSeats() {
    var story = Story.serving(2, capacity: 4)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    story.tell(.ready(seat: 2))
    story.tell(.ready(seat: 3))
    story.asked = []
    story.tell(.signal(.hangup))
    #expect(story.take() == [])
    story.exit(0)
    #expect(story.take() == [])
    story.exit(1)
    #expect(story.take() == [.reload(generation: 3)])
  }

  @Test("TTIN and TTOU during a reload count for both generations")
  func countChangesMeanwhile() {
    var story = Story.serving(2)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    story.tell(.ready(seat: 2))
    story.asked = []
    story.tell(.signal(.fewer))
    #expect(story.take() == [.signal(seat: 1, SIGTERM), .signal(seat: 3, SIGTERM), .signal(seat: 0, SIGTERM)])
    #expect(story.state.generation == 2)
  }

  @Test("a stop during a reload ends both generations")
  func stopMeanwhile() {
    var story = Story.serving(1)
    story.tell(.signal(.hangup))
    story.tell(.reloadSucceeded(drainLimit: Story.drainLimit))
    story.asked = []
    story.tell(.signal(.terminate))
    #expect(story.take() == [.signal(seat: 0, SIGTERM), .signal(seat: 1, SIGTERM)])
    story.exit(0)
    story.exit(1)
    #expect(story.take() == [.exit(code: 0)])
  }
}
