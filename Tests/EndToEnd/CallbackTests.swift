import Foundation
import Testing

@Suite("Callbacks", .serialized)
struct CallbackTests {
  /// A server that signs, and may reach the receiver on this machine.
  private func withHooks(
    _ arguments: [String] = [], _ body: (ServerProcess, HookServer) throws -> Void
  ) throws {
    let folder = try TestFolder()
    let hooks = try HookServer(in: folder)
    defer { hooks.stop() }
    let secret = try folder.write(HookServer.secret + "\n", to: "secret")
    try withServer(["--allow-private-addresses", "--callback-secret-file", secret] + arguments, in: folder) { server in
      try body(server, hooks)
    }
    try folder.remove()
  }

  private func callback(_ url: String) -> String { #""callback_url": "\#(url)""# }

  private func settled(_ server: ServerProcess, _ id: String, within limit: Duration = patience) throws -> JSON {
    try eventually("the callback of \(id) is settled", within: limit, see: { try server.job(id)["callback"] }) {
      $0["state"] == "delivered" || $0["state"] == "failed"
    }
  }

  @Test("every way to end is told, signed, with the job as it ended")
  func everyEnd() throws {
    try withHooks { server, hooks in
      let option = callback(hooks.url("/ok"))
      let succeeded = try server.submit("noop", "{}", option)
      let failed = try server.submit("fail", #"{"message": "no"}"#, option)
      let crashed = try server.submit("crash", #"{"signal": "SIGKILL"}"#, option)
      let waiting = try server.submit("noop", "{}", option + #", "delay": "1h""#)
      #expect(
        try server.job(waiting)["callback"]
          == .object([
            "url": .string(hooks.url("/ok")), "state": "pending", "attempts": 0, "last_status": .null,
            "last_error": .null, "next_attempt_at": .null,
          ]))
      try server.cancel(waiting)
      let running = try server.runningSpin(option)
      try server.cancel(running)
      for id in [succeeded, failed, crashed, waiting, running] {
        let end = try settled(server, id)
        #expect(end["state"] == "delivered" && end["attempts"] == 1 && end["last_status"] == 204, "\(end)")
        #expect(end["last_error"].isNull && end["next_attempt_at"].isNull)
      }
      let deliveries = try hooks.deliveries
      #expect(deliveries.count == 5)
      #expect(Set(deliveries.map(\.id)).count == 5)
      var types: [String: String] = [:]
      for delivery in deliveries {
        #expect(delivery.signature == delivery.expected)
        #expect(abs(Double(delivery.timestamp) - Date.now.timeIntervalSince1970) < 60)
        let json = try delivery.json
        let id = try #require(json["data"]["id"].string)
        types[id] = json["type"].string
        let job = try server.job(id)
        #expect(json["timestamp"] == job["finished_at"] && json["data"]["done"] == true)
        for member in ["state", "result", "error", "attempts", "metadata", "finished_at"] {
          #expect(json["data"][member] == job[member], "\(member)")
        }
      }
      #expect(
        types == [
          succeeded: "job.succeeded", failed: "job.failed", crashed: "job.failed", waiting: "job.cancelled",
          running: "job.cancelled",
        ])
      #expect(try server.get("/metrics").text.contains(#"millrace_callback_attempts_total{outcome="delivered"} 5"#))
    }
  }

  @Test("what fails is tried again with the same id and body; 410 ends it; redirects are not followed")
  func again() throws {
    try withHooks { server, hooks in
      let gone = try server.submit("noop", "{}", callback(hooks.url("/gone")))
      let moved = try server.submit("noop", "{}", callback(hooks.url("/redirect")))
      let flaky = try server.submit("noop", "{}", callback(hooks.url("/flaky")))
      let ended = try settled(server, gone)
      #expect(ended["state"] == "failed" && ended["attempts"] == 1 && ended["last_status"] == 410)
      let waiting = try eventually("it was tried", see: { try server.job(moved)["callback"] }) {
        $0["last_status"] == 302
      }
      #expect(waiting["state"] == "pending" && waiting["last_error"] == "the answer's status was 302")
      let (next, finish) = (waiting["next_attempt_at"].seconds, try server.job(moved)["finished_at"].seconds)
      #expect(try #require(next) - #require(finish) >= 5)
      let delivered = try settled(server, flaky)
      #expect(delivered["state"] == "delivered" && delivered["attempts"] == 2 && delivered["last_status"] == 200)
      let both = try hooks.deliveries.filter { $0.path == "/flaky" }
      #expect(both.count == 2 && both[0].id == both[1].id && both[0].body == both[1].body)
      #expect(both.allSatisfy { $0.signature == $0.expected })
      #expect(try !hooks.deliveries.contains { $0.path == "/ok" })
    }
  }

  @Test("a trace goes on from the submit, by the job, to its callback and to what http_fetch asks for")
  func trace() throws {
    let (traceID, parentID) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7")
    let parent = "00-\(traceID)-\(parentID)-01"
    let headers = ["traceparent: \(parent)", "tracestate: congo=t61rcWkgMzE", "tracestate: rojo=1"]
    /// Its parent-id; the rest must be the same.
    func sentOn(_ text: String?) throws -> Substring {
      let parts = try #require(text).split(separator: "-")
      #expect(parts.count == 4 && parts[0] == "00" && parts[1] == traceID && parts[3] == "01", "\(parts)")
      return parts[2]
    }
    try withHooks { server, hooks in
      let hook = #""callback_url": "\#(hooks.url("/flaky"))""#
      let fetch = #""handler": "http_fetch", "args": {"url": "\#(hooks.url("/"))"}"#
      let reply = try server.client().exchange(
        "POST", "/v1/jobs?wait=30", headers: headers, body: Array("{\(fetch), \(hook)}".utf8))
      let job = try reply.json
      #expect(job["state"] == "succeeded" && job["traceparent"].string == parent, "\(reply)")
      let fetched = try JSON.parse(Array(try #require(job["result"]["body"].string).utf8))
      #expect(fetched["tracestate"] == "congo=t61rcWkgMzE, rojo=1")
      let id = try #require(job["id"].string)
      #expect(try settled(server, id)["attempts"] == 2)
      let deliveries = try hooks.deliveries
      // Three requests, each with a parent-id of its own.
      let parents = try [sentOn(fetched["traceparent"].string)] + deliveries.map { try sentOn($0.traceParent) }
      #expect(Set(parents + [Substring(parentID)]).count == 4)
      for delivery in deliveries { #expect(try delivery.json["data"]["traceparent"].string == parent) }
      #expect(deliveries.allSatisfy { $0.traceState == "congo=t61rcWkgMzE, rojo=1" })

      // The jobs of a batch belong to it too; what is malformed does not.
      let batch = try server.client().exchange(
        "POST", "/v1/batches?handler=noop", headers: headers, body: Array("{}\n{}".utf8))
      let batchID = try #require(try batch.json["id"].string)
      try server.endOfBatch(batchID)
      let jobs = try server.get("/v1/jobs?batch=\(batchID)").json["jobs"].items
      #expect(jobs.count == 2 && jobs.allSatisfy { $0["traceparent"].string == parent })
      let none = try server.client().exchange(
        "POST", "/v1/run/http_fetch", headers: ["traceparent: \(parent)0"] + headers.dropFirst(),
        body: Array(#"{"url": "\#(hooks.url("/"))"}"#.utf8))
      let bare = try JSON.parse(Array(try #require(try none.json["body"].string).utf8))
      #expect(!bare["host"].isNull && bare["traceparent"].isNull && bare["tracestate"].isNull)
    }
  }

  @Test("a poll's ready reply does not outlive what became of the callback")
  func fresh() throws {
    try withHooks { server, hooks in
      let id = try server.submit("noop", "{}", callback(hooks.url("/flaky")))
      let first = try server.get("/v1/jobs/\(id)?wait=30")
      let tag = try #require(first["etag"])
      _ = try settled(server, id)
      // Through both acceptors, each with its own ready replies.
      for _ in 0..<8 {
        let reply = try server.get("/v1/jobs/\(id)", "If-None-Match: \(tag)")
        #expect(try reply.status == 200 && reply.json["callback"]["state"] == "delivered")
      }
    }
  }

  @Test("a receiver that hangs delays no other")
  func hanging() throws {
    try withHooks(["--acceptors", "1"]) { server, hooks in
      for _ in 0..<50 { _ = try server.submit("noop", "{}", callback(hooks.url("/hang", host: "localhost"))) }
      try eventually("the receiver hangs") { try hooks.deliveries.count { $0.path == "/hang" } >= 4 }
      let id = try server.submit("noop", "{}", callback(hooks.url("/ok")))
      let end = try settled(server, id, within: .seconds(10))
      #expect(end["state"] == "delivered" && end["attempts"] == 1)
      // No more at once than a host's share.
      #expect(try hooks.deliveries.count { $0.path == "/hang" } == 4)
    }
  }

  @Test("a callback whose server is killed is taken over by the next one")
  func killed() throws {
    let folder = try TestFolder()
    let hooks = try HookServer(in: folder)
    defer { hooks.stop() }
    let server = try ServerProcess(["--allow-private-addresses"], in: folder)
    let id = try server.submit("noop", "{}", callback(hooks.url("/hang")))
    try eventually("the callback is under way") { try hooks.deliveries.count == 1 }
    server.killEverything()
    try server.ended()
    try server.checkThatNoProcessIsLeft()
    try withServer(["--allow-private-addresses"], in: folder) { server in
      try eventually("it is sent again", within: .seconds(90)) { try hooks.deliveries.count == 2 }
      let deliveries = try hooks.deliveries
      #expect(deliveries[0].id == deliveries[1].id && deliveries[0].body == deliveries[1].body)
      // Without a secret there is no signature.
      #expect(deliveries.allSatisfy { $0.signature == nil })
      #expect(try server.job(id)["callback"]["attempts"] == 2)
    }
    try folder.remove()
  }

  @Test("addresses that are not public are not reached unless it is allowed, and what is no web address is refused")
  func addresses() throws {
    let folder = try TestFolder()
    let hooks = try HookServer(in: folder)
    defer { hooks.stop() }
    try withServer(in: folder) { server in
      for host in ["127.0.0.1", "localhost", "2130706433", "0.0.0.0"] {
        let id = try server.submit("noop", "{}", callback(hooks.url("/ok", host: host)))
        let tried = try eventually("it was tried", see: { try server.job(id)["callback"] }) { !$0["last_error"].isNull }
        #expect(tried["state"] == "pending" && tried["attempts"] == 1 && tried["last_status"].isNull, "\(tried)")
        #expect(tried["last_error"].string?.contains("not on the public internet") == true)
      }
      #expect(try hooks.deliveries.isEmpty)
      for url in ["", "ftp://example.org/", "example.org", "http://", "http://u:p@example.org/", "file:///etc/passwd"] {
        let reply = try server.post("/v1/jobs", #"{"handler": "noop", "callback_url": "\#(url)"}"#)
        #expect(reply.status == 422 && reply.pointers == ["/callback_url"], "\(url): \(reply)")
      }
      let long = "http://example.org/" + String(repeating: "x", count: 2048)
      #expect(try server.post("/v1/jobs?handler=noop&callback_url=\(long)").status == 422)
      #expect(try server.job(server.submit("noop"))["callback"].isNull)
    }
    try folder.remove()
  }
}
