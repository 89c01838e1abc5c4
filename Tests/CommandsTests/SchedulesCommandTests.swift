import Testing

@testable import Commands

@Suite("Schedules from a terminal")
struct SchedulesCommandTests {
  private static func schedule(_ more: String = #""paused": false, "next_run_at": "2027-01-15T03:00:00.000Z""#)
    -> String
  {
    #"{"name": "nightly", "cron": "0 3 * * *", "time_zone": "UTC", "missed": "once", "#
      + #""job": {"handler": "sleep",  "args": {"seconds": 1.50}}, \#(more)}"#
  }

  @Test("set puts the schedule, with the job as submit would send it")
  func set() throws {
    let ran = try Ran(
      [
        "schedules", "set", "nightly", "--cron", "0 3 * * *", "--time-zone", "Europe/Paris", "--missed", "once",
        "sleep",
        "seconds=1.50",
      ]
    ) { _, _ in .json(Self.schedule(), status: 201) }
    #expect(ran.status == 0)
    #expect(ran.text == "nightly  2027-01-15T03:00:00.000Z\n")
    let request = try #require(ran.requests.first)
    #expect(request.method == "PUT" && request.target == "/v1/schedules/nightly")
    #expect(
      String(decoding: request.body, as: UTF8.self)
        == #"{"cron":"0 3 * * *","time_zone":"Europe/Paris","missed":"once","#
        + #""job":{"handler":"sleep","args":{"seconds":1.50}}}"#)
  }

  @Test("set takes a whole job as JSON")
  func setJob() throws {
    let ran = try Ran(["schedules", "set", "a/b", "--cron", "@daily", "--paused", "--job", #"{"handler": "x"}"#]) {
      _, _ in
      .json(Self.schedule(#""paused": true, "next_run_at": null"#))
    }
    #expect(ran.text == "nightly  paused\n")
    #expect(ran.requests.first?.target == "/v1/schedules/a%2Fb")
    #expect(
      ran.requests.first.map { String(decoding: $0.body, as: UTF8.self) }
        == #"{"cron":"@daily","paused":true,"job":{"handler": "x"}}"#)
  }

  @Test("pause writes everything else back as it was, and tries again when a run came between")
  func pause() throws {
    let ran = try Ran(["schedules", "pause", "nightly"]) { request, number in
      if request.method == "GET" { return .json(Self.schedule(), headers: ["ETag: \"\(number)\""]) }
      return number == 1
        ? .json(#"{"title": "no", "status": 412}"#, status: 412)
        : .json(Self.schedule(#""paused": true, "next_run_at": null"#))
    }
    #expect(ran.status == 0 && ran.text == "nightly  paused\n")
    #expect(ran.requests.map(\.method) == ["GET", "PUT", "GET", "PUT"])
    #expect(ran.requests[1].headers["if-match"] == "\"0\"" && ran.requests[3].headers["if-match"] == "\"2\"")
    #expect(
      String(decoding: ran.requests[3].body, as: UTF8.self)
        == #"{"cron":"0 3 * * *","time_zone":"UTC","missed":"once","#
        + #""job":{"handler": "sleep",  "args": {"seconds": 1.50}},"paused":true}"#)
  }

  @Test("the list shows every page")
  func list() throws {
    let ran = try Ran(["schedules"]) { _, number in
      .json(#"{"schedules": [\#(Self.schedule())], "next_cursor": \#(number == 0 ? "\"nightly\"" : "null")}"#)
    }
    #expect(ran.requests.map(\.target) == ["/v1/schedules?limit=200", "/v1/schedules?limit=200&cursor=nightly"])
    let lines = ran.text.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("NAME     CRON       TIME ZONE  HANDLER  NEXT RUN"))
    #expect(lines[1].hasPrefix("nightly  0 3 * * *  UTC        sleep    2027-01-15T03:00:00.000Z"))
  }

  @Test("delete says nothing, and one that is not there is refused")
  func delete() throws {
    let ran = try Ran(["schedules", "delete", "nightly"]) { _, _ in .init(status: 204, body: []) }
    #expect(ran.status == 0 && ran.text.isEmpty && ran.requests.first?.method == "DELETE")
    let missing = try Ran(["schedules", "delete", "nightly"]) { _, _ in .json(#"{"title": "no"}"#, status: 404) }
    #expect(missing.status == 9)
  }

  @Test(
    "mistakes end with 64",
    arguments: [
      ["schedules", "set", "a", "sleep"], ["schedules", "set", "a", "--cron", "@daily"],
      ["schedules", "set", "a", "--cron", "@daily", "--job", "[]"],
      ["schedules", "set", "a", "--cron", "@daily", "--job", "{}", "sleep"],
      ["schedules", "set", "a", "--cron", "@daily", "--missed", "all", "sleep"], ["schedules", "pause"],
    ])
  func mistakes(arguments: [String]) { #expect(Ran(arguments).status == 64) }
}
