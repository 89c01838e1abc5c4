import Foundation
import Testing

@Suite("Schedules", .serialized)
struct ScheduleTests {
  private let noop = #"{"handler": "noop"}"#

  private func put(
    _ server: ServerProcess, _ name: String, _ document: String, _ headers: String...
  ) throws -> HTTPReply {
    try server.client().exchange(
      "PUT", "/v1/schedules/\(name)", headers: ["Content-Type: application/json"] + headers, body: Array(document.utf8))
  }

  private func made(by name: String, _ server: ServerProcess) throws -> [JSON] {
    try server.get("/v1/jobs?limit=200").json["jobs"].items.filter { $0["schedule"].string == name }
  }

  @Test("a schedule is made, shown, replaced, listed and deleted, as the conditions say")
  func life() throws {
    try withServer { server in
      #expect(try server.get("/v1/schedules").json == .object(["schedules": .array([]), "next_cursor": .null]))
      let document = #"{"cron": "0 3 * * *", "time_zone": "Europe/Paris", "job": {"handler": "echo", "args": 1.50}}"#
      let created = try put(server, "nightly", document, "If-None-Match: *")
      #expect(created.status == 201 && created["location"] == "/v1/schedules/nightly")
      let tag = try #require(created["etag"])
      let json = try created.json
      #expect(json["name"] == "nightly" && json["paused"] == false && json["missed"] == "skip")
      #expect(json["last_run_at"].isNull && json["last_job"].isNull && json["last_error"].isNull)
      #expect(created.text.contains(#""job":{"handler": "echo", "args": 1.50}"#))
      let next = try #require(json["next_run_at"].seconds)
      #expect(next > Date.now.timeIntervalSince1970 && next < Date.now.timeIntervalSince1970 + 86_400 + 3600)

      let shown = try server.get("/v1/schedules/nightly")
      #expect(shown.status == 200 && shown["etag"] == tag && shown.body == created.body)
      #expect(try server.get("/v1/schedules/nightly", "If-None-Match: \(tag)").status == 304)
      #expect(try server.head("/v1/schedules/nightly").status == 200)

      #expect(try put(server, "nightly", document, "If-None-Match: *").status == 412)
      #expect(try put(server, "nightly", document, "If-Match: \"1-1\"").status == 412)
      #expect(try put(server, "other", document, "If-Match: *").status == 412)
      #expect(try put(server, "nightly", document, "If-Match: *", "If-None-Match: *").status == 400)
      let replaced = try put(
        server, "nightly", #"{"cron": "@daily", "job": \#(noop), "paused": true}"#, "If-Match: \(tag)")
      #expect(try replaced.status == 200 && replaced["etag"] != tag && replaced.json["next_run_at"].isNull)
      #expect(try replaced.json["created_at"] == json["created_at"])
      #expect(try put(server, "nightly", document, "If-Match: \(tag)").status == 412)

      for name in ["a", "b"] { #expect(try put(server, name, document).status == 201) }
      let page = try server.get("/v1/schedules?limit=2")
      #expect(try page.json["schedules"].items.map { $0["name"] } == ["a", "b"])
      #expect(try page.json["next_cursor"] == "b" && page["link"]?.contains("cursor=b") == true)
      #expect(
        try server.get("/v1/schedules?limit=2&cursor=b").json["schedules"].items.map { $0["name"] } == ["nightly"])

      #expect(try server.delete("/v1/schedules/a").status == 204)
      #expect(try server.delete("/v1/schedules/a").status == 404)
      #expect(try server.get("/v1/schedules/a").isProblem)
      #expect(try server.post("/v1/schedules/b").status == 405)
      #expect(try server.post("/v1/schedules").status == 405)
    }
  }

  @Test("what cannot be a schedule is refused, with its places")
  func refusals() throws {
    try withServer { server in
      let bad = try put(
        server, "a",
        #"{"cron": "0 0 30 2 *", "time_zone": "Mars", "job": {"handler": "count_primes", "args": {"below": 1}}, "x": 1}"#
      )
      #expect(bad.status == 422 && bad.isProblem)
      #expect(bad.pointers == ["/cron", "/time_zone", "/job/args/below", "/x"])
      #expect(try put(server, "-a", #"{"cron": "@daily", "job": \#(noop)}"#).status == 422)
      #expect(try put(server, "a%2Fb", #"{"cron": "@daily", "job": \#(noop)}"#).isProblem)
      #expect(try put(server, "a", "{").status == 400)
      #expect(try put(server, "a", "").status == 400)
      #expect(try put(server, "a?x=1", #"{"cron": "@daily", "job": \#(noop)}"#).status == 400)
      #expect(try server.get("/v1/schedules").json["schedules"].items.isEmpty)
    }
  }

  @Test("every minute's job is made once, at the minute, by one of the acceptors, and a paused one's never")
  func everyMinute() throws {
    try withServer { server in
      for name in (0..<10).map({ "every-\($0)" }) {
        #expect(try put(server, name, #"{"cron": "* * * * *", "job": \#(noop)}"#).status == 201)
      }
      #expect(try put(server, "paused", #"{"cron": "* * * * *", "paused": true, "job": \#(noop)}"#).status == 201)
      let first = try eventually(
        "all have run", within: .seconds(80),
        see: { try server.get("/v1/schedules").json["schedules"].items.filter { !$0["last_run_at"].isNull } }
      ) { $0.count == 10 }
      #expect(!first.contains { $0["name"] == "paused" })
      for schedule in first {
        let name = try #require(schedule["name"].string)
        let jobs = try made(by: name, server)
        #expect(jobs.count == 1 && jobs[0]["id"] == schedule["last_job"])
        let due = try #require(schedule["last_run_at"].seconds)
        #expect(due.truncatingRemainder(dividingBy: 60) == 0)
        #expect(schedule["next_run_at"].seconds == due + 60)
        let late = try #require(jobs[0]["created_at"].seconds) - due
        #expect(late >= 0 && late < 20, "\(late) s late")
        let id = try #require(jobs[0]["id"].string)
        #expect(try server.end(of: id)["state"] == "succeeded")
      }
    }
  }

  @Test("runs that were missed are skipped or made once, and one whose handler is gone says so and goes on")
  func missed() throws {
    let folder = try TestFolder()
    try withServer(in: folder) { server in
      for (name, missed) in [("skipping", "skip"), ("once", "once"), ("gone", "once")] {
        let reply = try put(server, name, #"{"cron": "0 * * * *", "missed": "\#(missed)", "job": \#(noop)}"#)
        #expect(reply.status == 201)
      }
    }
    // Five hours without a server.
    try change(folder, "UPDATE schedule SET next_run_at = next_run_at - 18000000000")
    try change(folder, #"UPDATE schedule SET job = CAST('{"handler": "gone"}' AS BLOB) WHERE name = 'gone'"#)
    try withServer(in: folder) { server in
      let all = try eventually("all are planned", see: { try server.get("/v1/schedules").json["schedules"].items }) {
        $0.allSatisfy { ($0["next_run_at"].seconds ?? 0) > Date.now.timeIntervalSince1970 }
      }
      let byName = Dictionary(uniqueKeysWithValues: all.map { ($0["name"].string ?? "", $0) })
      let (skipped, gone) = (try made(by: "skipping", server), try made(by: "gone", server))
      #expect(skipped.isEmpty && gone.isEmpty)
      #expect(byName["skipping"]?["last_run_at"].isNull == true)
      #expect(try made(by: "once", server).map { $0["id"] } == [byName["once"]?["last_job"]])
      #expect(byName["once"]?["last_error"].isNull == true)
      #expect(byName["gone"]?["last_error"].string == "/handler: there is no handler named 'gone'")
      let metrics = try server.get("/metrics").text
      #expect(metrics.contains(#"millrace_schedule_runs_total{outcome="skipped"} 1"#))
      #expect(metrics.contains(#"millrace_schedule_runs_total{outcome="refused"} 1"#))
    }
    try folder.remove()
  }

  @Test("no run is made twice or lost when everything is killed while it is made")
  func killed() throws {
    let folder = try TestFolder()
    let count = 120
    try withServer(in: folder) { server in
      for number in 0..<count {
        let reply = try put(server, "s\(number)", #"{"cron": "0 0 1 1 *", "missed": "once", "job": \#(noop)}"#)
        #expect(reply.status == 201)
      }
    }
    try change(folder, "UPDATE schedule SET next_run_at = 1000000")
    var interrupted = 0
    for _ in 0..<4 {
      let server = try ServerProcess([], in: folder)
      let seen = try eventually(
        "runs are being made", see: { try server.get("/v1/schedules?limit=200").json["schedules"] }
      ) {
        $0.items.contains { !$0["last_job"].isNull }
      }
      if seen.items.contains(where: { $0["last_job"].isNull }) { interrupted += 1 }
      server.killEverything()
      try server.ended()
      try server.checkThatNoProcessIsLeft()
    }
    try withServer(in: folder) { server in
      try eventually("all have run") {
        try server.get("/v1/schedules?limit=200").json["schedules"].items.count { !$0["last_job"].isNull } == count
      }
      let jobs = try server.get("/v1/jobs?limit=200").json["jobs"].items
      #expect(jobs.count == count)
      #expect(Set(jobs.compactMap { $0["schedule"].string }).count == count)
    }
    try folder.remove()
  }

  @Test("the command line lists, sets, pauses, resumes and deletes schedules")
  func commandLine() throws {
    try withServer { server in
      func millrace(_ arguments: String...) throws -> Program.Ended {
        try Program.run(
          Program.millrace, ["schedules"] + arguments,
          environment: ["MILLRACE_SERVER": "http://127.0.0.1:\(server.port)"])
      }
      let set = try millrace(
        "set", "nightly", "--cron", "0 3 * * *", "--time-zone", "Europe/Paris", "count_primes", "below=1000")
      #expect(set.status == 0 && set.text.hasPrefix("nightly  20"), "\(set)")
      let list = try millrace()
      #expect(list.status == 0 && list.lines.count == 2 && list.lines[1].contains("Europe/Paris"), "\(list)")
      #expect(try millrace("pause", "nightly").text == "nightly  paused\n")
      #expect(try server.get("/v1/schedules/nightly").json["paused"] == true)
      let resumed = try millrace("resume", "nightly")
      #expect(resumed.status == 0 && resumed.text.hasPrefix("nightly  20"), "\(resumed)")
      #expect(
        try server.get("/v1/schedules/nightly").text.contains(
          #""job":{"handler":"count_primes","args":{"below":1000}}"#))
      #expect(try millrace("set", "bad", "--cron", "never", "noop").status == 9)
      #expect(try millrace("delete", "nightly").status == 0)
      #expect(try millrace("delete", "nightly").status == 9)
    }
  }

  /// Changes the store of a server that is not running.
  private func change(_ folder: TestFolder, _ sql: String) throws {
    let code = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    let ended = try Program.run("/usr/bin/env", ["python3", "-c", code, folder.file("jobs.sqlite"), sql])
    #expect(ended.status == 0, "\(ended)")
  }
}
