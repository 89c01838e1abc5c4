// Stories of several events, with a clock moved by hand.

import Glibc
import Testing

@testable import Prefork

@Suite("the supervisor's decisions")
struct SupervisorStateTests {
  @Test("at the beginning the lowest seats are filled with the first generation")
  func begins() {
    var story = Story(2)
    #expect(
      story.take() == [.spawn(seat: 0, generation: 1, restarts: 0), .spawn(seat: 1, generation: 1, restarts: 0)])
  }

  @Test("an acceptor that lived is replaced at once, and counted")
  func replacedAtOnce() {
    var story = Story.serving(2)
    story.exit(1)
    #expect(story.take() == [.spawn(seat: 1, generation: 1, restarts: 1)])
    story.tell(.ready(seat: 1))
    story.pass(.seconds(20))
    story.exit(1)
    #expect(story.take() == [.spawn(seat: 1, generation: 1, restarts: 2)])
  }

  @Test("young deaths in a row back off, doubling up to half a minute, and a long life ends that")
  func backsOff() {
    var story = Story.serving(1)
    story.exit(0)
    var waits: [Duration] = []
    for _ in 0..<12 {
      story.tell(.ready(seat: 0))
      story.exit(0)
      guard case .backingOff(let until) = story.state.seats[0].stage else {
        Issue.record("not backing off but \(story.state.seats[0].stage)")
        return
      }
      waits.append(until.since(story.now))
      #expect(story.state.nextDeadline == until)
      story.asked = []
      story.tell(.tick)
      #expect(story.take() == [])
      story.now = until
      story.tell(.tick)
      #expect(story.asked.count == 1)
    }
    #expect(waits.prefix(4) == [.milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
    #expect(waits.last == .seconds(30))
    story.tell(.ready(seat: 0))
    story.pass(.seconds(20))
    story.asked = []
    story.exit(0)
    #expect(story.take() == [.spawn(seat: 0, generation: 1, restarts: 14)])
  }

  @Test("jitter takes off up to a half")
  func jitter() {
    #expect(RestartPolicy.delay(failures: 3, jitter: 0) == .milliseconds(400))
    #expect(RestartPolicy.delay(failures: 3, jitter: 1) == .milliseconds(200))
    #expect(RestartPolicy.delay(failures: 0, jitter: 0) == .zero)
    #expect(RestartPolicy.delay(failures: 1000, jitter: 0) == .seconds(30))
  }

  @Test("where no acceptor ever was ready, five failures in every seat end it with 1")
  func hopeless() {
    var story = Story(2)
    for round in 1...5 {
      for seat in 0..<2 {
        #expect(!story.asked.contains(.exit(code: 1)), "round \(round)")
        story.exit(seat, .exited(code: 3))
      }
      story.pass(.seconds(10))
      if round < 5 { story.tell(.tick) }
    }
    #expect(story.asked.last == .exit(code: 1))
  }

  @Test("one seat that fails is no reason to give up while another still starts")
  func notHopelessYet() {
    var story = Story(2)
    for _ in 1...8 {
      story.exit(0)
      story.pass(.seconds(31))
      // Seat 1 is not late in this story.
      story.state.seats[1].stage = .starting(since: story.now)
      story.tell(.tick)
    }
    #expect(!story.asked.contains(.exit(code: 1)))
  }

  @Test("once one was ready, failures never end the master")
  func neverHopelessLater() {
    var story = Story.serving(1)
    for _ in 1...20 {
      story.exit(0)
      story.pass(.seconds(31))
      story.tell(.tick)
    }
    #expect(!story.state.isStopping)
  }

  @Test("a heartbeat in time keeps an acceptor, a missing one kills it, and it is replaced when it is gone")
  func heartbeat() {
    var story = Story.serving(2)
    for _ in 0..<5 {
      story.pass(.seconds(29))
      story.tell(.beat(seat: 0, at: story.now))
      story.tell(.beat(seat: 1, at: story.now))
      story.tell(.tick)
    }
    #expect(story.take() == [])
    story.pass(.seconds(20))
    story.tell(.beat(seat: 0, at: story.now))
    story.pass(.seconds(11))
    story.tell(.tick)
    #expect(story.take() == [.kill(seat: 1)])
    story.tell(.tick)
    #expect(story.take() == [])
    story.exit(1)
    #expect(story.take() == [.spawn(seat: 1, generation: 1, restarts: 1)])
  }

  @Test("a machine that stood still blames nobody")
  func stoodStill() {
    var story = Story.serving(2)
    story.pass(.seconds(3600))
    story.tell(.stoodStill)
    story.tell(.tick)
    #expect(story.take() == [])
  }

  @Test("when the seats are empty a graceful stop ends with 0, and not before")
  func gracefulStop() {
    var story = Story.serving(2)
    story.tell(.signal(.terminate))
    #expect(story.take() == [.signal(seat: 0, SIGTERM), .signal(seat: 1, SIGTERM)])
    story.exit(0, .exited(code: 0))
    #expect(story.take() == [])
    story.pass(.seconds(36))
    story.tell(.tick)
    #expect(story.take() == [.kill(seat: 1)])
    story.exit(1)
    #expect(story.take() == [.exit(code: 0)])
    story.exit(1)
    story.tell(.tick)
    #expect(story.take() == [])
  }

  @Test("a process that cannot be killed is left behind after a while, with 1")
  func unkillable() {
    var story = Story.serving(1)
    story.tell(.signal(.quit))
    story.pass(.seconds(5))
    story.tell(.tick)
    #expect(story.take() == [.signal(seat: 0, SIGQUIT), .kill(seat: 0)])
    story.pass(.seconds(4))
    story.tell(.tick)
    #expect(story.take() == [])
    story.pass(.seconds(1))
    story.tell(.tick)
    #expect(story.take() == [.exit(code: 1)])
  }

  @Test("a second TERM is quick, a third changes nothing")
  func secondTerm() {
    var story = Story.serving(1)
    story.tell(.signal(.terminate))
    story.tell(.signal(.terminate))
    #expect(story.take() == [.signal(seat: 0, SIGTERM), .signal(seat: 0, SIGQUIT)])
    #expect(story.state.nextDeadline == story.now + .seconds(5))
    story.tell(.signal(.interrupt))
    #expect(story.take() == [])
  }

  @Test("threads at a fork stop everything with 1, and spawns that wait for their turn are dropped")
  func threads() {
    var story = Story(3)
    story.asked = []
    story.tell(.forkFailed(seat: 0, .manyThreads(count: 2, before: "x"), jitter: 0))
    story.tell(.notForked(seat: 1))
    story.tell(.notForked(seat: 2))
    #expect(story.take().last == .exit(code: 1))
  }

  @Test("there are at most as many acceptors as half the seats, and at least one")
  func bounds() {
    var story = Story.serving(1)
    for _ in 0..<6 { story.tell(.signal(.more)) }
    #expect(story.state.wanted == 4)
    #expect(story.take().count == 3)
    for _ in 0..<6 { story.tell(.signal(.fewer)) }
    #expect(story.state.wanted == 1)
    #expect(story.take() == [3, 2, 1].map { .signal(seat: $0, SIGTERM) })
  }
}
