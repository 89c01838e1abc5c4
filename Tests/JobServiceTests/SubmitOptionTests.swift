import HTTPServer
import JobModel
import JobStore
import Testing

@testable import JobService

@Suite("Names, keys and explanations")
struct SubmitOptionTests {
  @Test(
    "a queue's name is one that stands in a path as it is",
    arguments: [
      ("default", true), ("a", true), ("A_b-9.c", true), (String(repeating: "q", count: 64), true), ("", false),
      (String(repeating: "q", count: 65), false), (".", false), ("..", false), (".a", false), ("a b", false),
      ("a/b", false), ("ä", false), ("a\n", false), ("a%20", false),
    ])
  func queueNames(_ name: String, isOne: Bool) {
    #expect(QueueName.isOne(name) == isOne)
  }

  @Test(
    "an idempotency key is a quoted string, or the same without its quotes",
    arguments: [
      ("abc", "abc"), (#""abc""#, "abc"), (#""a \"b\" \\c""#, #"a "b" \c"#), (#"a"b"#, #"a"b"#), (#""""#, nil),
      ("", nil),
      (#"""#, nil), (#""abc"#, nil), (#""abc"d"#, nil), (#""a\b""#, nil), (#""a\"#, nil), ("a\tb", nil), ("é", nil),
      (String(repeating: "x", count: 255), String(repeating: "x", count: 255)),
      (String(repeating: "x", count: 256), nil),
    ] as [(String, String?)])
  func idempotencyKeys(_ field: String, _ text: String?) {
    let key: IdempotencyKey?
    do throws(APIError) {
      key = try IdempotencyKey.read(field)
    } catch {
      #expect(text == nil && error.problem.status == 400)
      return
    }
    #expect(key?.text == text && text != nil)
  }

  @Test("requests that differ in any part have other fingerprints")
  func fingerprints() throws {
    let (parts, body) = (["POST", "/v1/jobs", "application/json"], RequestFingerprint.Body.bytes(Array("{}".utf8)))
    let one = try RequestFingerprint.make(parts, body)
    let same = try RequestFingerprint.make(parts, body)
    #expect(one.count == 32 && one == same)
    let others = try [
      RequestFingerprint.make(["PUT", "/v1/jobs", "application/json"], body),
      RequestFingerprint.make(["POST", "/v1/jobs?", "application/json"], body),
      // The same bytes, cut elsewhere.
      RequestFingerprint.make(["POST", "/v1/jobsa", "pplication/json"], body),
      RequestFingerprint.make(parts, .bytes(Array("{ }".utf8))), RequestFingerprint.make(parts, .bytes([])),
    ]
    #expect(Set(others + [one]).count == 6)
    #expect(throws: RequestFingerprint.Failure.self) {
      try RequestFingerprint.make(parts, .file(path: "/nowhere/at/all"))
    }
  }

  private let now = Timestamp(microseconds: 1_800_000_000_000_000)

  private func job(_ state: JobState) -> Job {
    var job = Job(
      id: JobID(high: 1, low: 2), handler: "noop", executor: .process, state: state, input: .json([]), createdAt: now)
    if state == .scheduled { job.scheduledAt = now.advanced(by: .seconds(60)) }
    return job
  }

  @Test("every state has its reason, and only a job in line has a place")
  func reasons() {
    let pace = Explanation.Pace(slots: 2, run: .seconds(1))
    func reason(_ state: JobState, _ obstacle: PlaceInLine.Obstacle? = nil) -> Explanation.Reason {
      let explanation = Explanation(job(state), obstacle.map { PlaceInLine(obstacle: $0, ahead: 4) }, pace, now: now)
      #expect(explanation.state == state && !explanation.detail.isEmpty)
      #expect(explanation.position == (obstacle == nil ? nil : 5))
      return explanation.reason
    }
    #expect([JobState.succeeded, .failed, .cancelled].allSatisfy { reason($0) == .finished })
    #expect(reason(.running) == .running && reason(.scheduled) == .notDue)
    #expect(reason(.queued, .queuePaused) == .queuePaused && reason(.queued, .keyLimit(1)) == .keyLimit)
    #expect(reason(.queued, .noFreeWorker) == .noFreeWorker && reason(.queued) == .noFreeWorker)
  }

  @Test("the start is estimated from the pace, and is unknown where that or the place is")
  func estimates() {
    func estimate(_ ahead: Int?, _ pace: Explanation.Pace, _ state: JobState = .queued) -> Timestamp? {
      Explanation(job(state), PlaceInLine(obstacle: .noFreeWorker, ahead: ahead), pace, now: now).estimatedStartAt
    }
    #expect(estimate(3, .init(slots: 2, run: .seconds(1))) == now.advanced(by: .seconds(2)))
    #expect(estimate(0, .init(slots: 4, run: .seconds(1))) == now.advanced(by: .milliseconds(250)))
    #expect(estimate(nil, .init(slots: 2, run: .seconds(1))) == nil)
    #expect(estimate(3, .init(slots: 2, run: nil)) == nil)
    #expect(estimate(3, .init(slots: 0, run: .seconds(1))) == nil)
    #expect(estimate(3, .init(slots: 2, run: nil), .scheduled) == now.advanced(by: .seconds(60)))
  }
}
