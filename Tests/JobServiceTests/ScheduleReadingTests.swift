import HandlerAPI
import JobModel
import Testing

@testable import JobService

@Suite("Schedules, as clients write them")
struct ScheduleReadingTests {
  private struct Count: Handler {
    struct Input: Decodable, Sendable { var below: Int }
    static let name = "count"
    static let constraints: [InputConstraint] = [.integer("below", 2...9)]
    func run(_ input: Input, _ context: JobContext) async throws -> Int { input.below }
  }

  private let now = Timestamp(microseconds: 1_800_000_000_000_000)

  private func read(_ text: String) throws(APIError) -> Schedule {
    let handlers: HandlerRegistry
    do { handlers = try HandlerRegistry([Count.self]) } catch { preconditionFailure("\(error)") }
    return try ScheduleDocument.read(Array(text.utf8), name: "a", handlers: handlers, now: now)
  }

  private func pointers(_ text: String) -> [String] {
    do throws(APIError) {
      _ = try read(text)
      return []
    } catch {
      guard case .unacceptable(let errors) = error else { return ["not unacceptable: \(error)"] }
      return errors.map(\.pointer)
    }
  }

  @Test("what is left out has its default, and the job is kept as it was sent")
  func defaults() throws {
    let schedule = try read(#"{"cron": "0 3 * * *", "job": {"handler" : "count", "args": {"below":  3}}}"#)
    #expect(schedule.timeZone == "UTC" && !schedule.isPaused && schedule.missed == .skip)
    #expect(String(decoding: schedule.job, as: UTF8.self) == #"{"handler" : "count", "args": {"below":  3}}"#)
    #expect(schedule.nextRunAt == RFC3339.timestamp("2027-01-16T03:00:00Z"))
    let nulls = try read(
      #"{"cron": "0 3 * * *", "time_zone": null, "paused": null, "missed": null, "job": {"handler": "count", "args": {"below": 3}}}"#
    )
    #expect(nulls.timeZone == "UTC" && !nulls.isPaused && nulls.missed == .skip)
  }

  @Test("a paused schedule has no next run, and any other has it in its own time zone")
  func nextRun() throws {
    let job = #""job": {"handler": "count", "args": {"below": 3}}"#
    #expect(try read(#"{"cron": "0 3 * * *", "paused": true, \#(job)}"#).nextRunAt == nil)
    let paris = try read(#"{"cron": "0 3 * * *", "time_zone": "Europe/Paris", "missed": "once", \#(job)}"#)
    #expect(paris.nextRunAt == RFC3339.timestamp("2027-01-16T02:00:00Z") && paris.missed == .once)
  }

  @Test("every mistake is told with its place, those of the job below /job")
  func mistakes() {
    let job = #""job": {"handler": "count", "args": {"below": 3}}"#
    #expect(pointers("{}") == ["/cron", "/job"])
    #expect(pointers(#"{"cron": null, "job": null}"#) == ["/cron", "/job"])
    #expect(pointers("[]") == [""])
    #expect(pointers(#"{"cron": "0 0 30 2 *", \#(job)}"#) == ["/cron"])
    #expect(pointers(#"{"cron": 5, \#(job)}"#) == ["/cron"])
    #expect(pointers(#"{"cron": "@daily", "job": {"handler": "count", "args": {"below": 1}}}"#) == ["/job/args/below"])
    #expect(pointers(#"{"cron": "@daily", "job": {"handler": "gone"}}"#) == ["/job/handler"])
    #expect(pointers(#"{"cron": "@daily", "job": []}"#) == ["/job"])
    #expect(pointers(#"{"cron": "@daily", "job": {"handler": "count", "args": {"below": 3}, "x": 1}}"#) == ["/job/x"])
    #expect(
      pointers(
        #"{"cron": "@daily", "job": {"handler": "count", "args": {"below": 3}, "run_at": "2027-01-01T00:00:00Z"}}"#)
        == ["/job/run_at"])
    #expect(
      pointers(#"{"cron": "@daily", "time_zone": "Mars/Olympus", "paused": 1, "missed": "all", "a/b": 1, \#(job)}"#)
        == ["/time_zone", "/paused", "/missed", "/a~1b"])
    let long = String(repeating: " ", count: 64 * 1024)
    #expect(pointers(#"{"cron": "@daily", "job": {"handler": "count",\#(long) "args": {"below": 3}}}"#) == ["/job"])
  }

  @Test("names lead with a letter or digit", arguments: ["a", "A-1.b_c", "0", String(repeating: "n", count: 64)])
  func names(name: String) { #expect(ScheduleDocument.isName(name)) }

  @Test(
    "other names are none",
    arguments: ["", ".a", "-a", "a b", "a/b", "é", "a\0", String(repeating: "n", count: 65), "["])
  func badNames(name: String) { #expect(!ScheduleDocument.isName(name)) }
}
