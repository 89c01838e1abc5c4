import Testing

@Suite("Queues", .serialized, .server())
struct QueueTests {
  let server = ServerProcess.current

  private func queue(_ name: String) throws -> JSON {
    let reply = try server.get("/v1/queues/\(name)")
    guard reply.status == 200 else { throw NeverHappened(description: "queue \(name) is not shown: \(reply)") }
    return try reply.json
  }

  private func set(_ name: String, paused: Bool) throws {
    let reply = try server.post("/v1/queues/\(name)/\(paused ? "pause" : "resume")")
    #expect(try reply.status == 200 && reply.json["name"].string == name && reply.json["paused"] == .bool(paused))
  }

  @Test("jobs of a paused queue wait at every acceptor, others do not, and after resume all of them run")
  func pause() throws {
    try set("slow", paused: true)
    try set("slow", paused: true)
    let ids = try concurrently(10) { _ in
      let client = try server.client()
      return try (0..<4).map { _ in
        let body = Array(#"{"handler": "noop", "queue": "slow"}"#.utf8)
        return try #require(client.exchange("POST", "/v1/jobs", body: body).json["id"].string)
      }
    }.flatMap { $0 }
    let soon = try server.submit("noop", "{}", #""queue": "slow", "delay": "10ms""#)
    try server.job(soon, is: "queued")
    for _ in 0..<20 {
      #expect(try server.post("/v1/jobs?wait=30", #"{"handler": "noop"}"#).json["state"] == "succeeded")
    }
    for id in ids { #expect(try server.job(id)["state"] == "queued") }
    let shown = try queue("slow")
    #expect(shown["depth"] == 41 && shown["running"] == 0 && shown["paused"] == true)
    #expect(try #require(shown["oldest_waiting_ms"].double) > 0)
    let explained = try server.get("/v1/jobs/\(ids[0])/explain").json
    #expect(explained["state"] == "queued" && explained["reason"] == "queue_paused", "\(explained)")
    #expect(explained["position"].int != nil && explained["estimated_start_at"].isNull)
    try set("slow", paused: false)
    for id in ids + [soon] { #expect(try server.end(of: id)["state"] == "succeeded") }
    #expect(try queue("slow")["depth"] == 0)
  }

  @Test("what was claimed ahead goes back when its queue is paused, and what runs goes on")
  func claimedAhead() throws {
    // Short jobs, so that every acceptor holds a few of them beyond those that run.
    for id in try (0..<200).map({ _ in try server.submit("noop", "{}", #""queue": "burst""#) }) {
      try server.end(of: id)
    }
    let ids = try concurrently(4) { _ in
      let client = try server.client()
      return try (0..<300).map { _ in
        let body = Array(#"{"handler": "spin", "args": {"seconds": 0.003}, "queue": "burst"}"#.utf8)
        return try #require(client.exchange("POST", "/v1/jobs", body: body).json["id"].string)
      }
    }.flatMap { $0 }
    try set("burst", paused: true)
    let left = try eventually("nothing of the queue runs", see: { try queue("burst") }) { $0["running"] == 0 }
    #expect(try #require(left["depth"].int) > 0, "the pause came too late for the test")
    // Both acceptors have been busy with something else meanwhile.
    for _ in 0..<20 { _ = try server.post("/v1/jobs?wait=30", #"{"handler": "noop"}"#) }
    #expect(try queue("burst")["depth"] == left["depth"])
    try set("burst", paused: false)
    for id in ids {
      let job = try server.end(of: id)
      #expect(job["state"] == "succeeded" && job["attempt"] == 1)
    }
  }

  @Test("a running job goes on when its queue is paused; retried, it waits")
  func runningAndRetried() throws {
    let id = try server.runningSpin(#""queue": "r""#)
    try set("r", paused: true)
    #expect(try server.job(id)["state"] == "running")
    let running = try server.get("/v1/jobs/\(id)/explain").json
    #expect(running["reason"] == "running" && running["position"].isNull)
    try server.cancel(id)
    #expect(try server.get("/v1/jobs/\(id)/explain").json["reason"] == "finished")
    #expect(try server.post("/v1/jobs/\(id)/retry").json["state"] == "queued")
    #expect(try server.post("/v1/jobs?wait=30", #"{"handler": "noop"}"#).json["state"] == "succeeded")
    #expect(try server.job(id)["state"] == "queued")
    try server.cancel(id)
    try set("r", paused: false)
  }

  @Test("a queue stays paused when every process is killed and the server starts again")
  func acrossRestarts() throws {
    let folder = try TestFolder()
    let first = try ServerProcess([], in: folder)
    #expect(try first.post("/v1/queues/night/pause").status == 200)
    let id = try first.submit("noop", "{}", #""queue": "night""#)
    first.killEverything()
    try first.ended()
    try first.checkThatNoProcessIsLeft()
    try withServer(in: folder) { server throws in
      #expect(try server.get("/v1/queues/night").json["paused"] == true)
      #expect(try server.post("/v1/jobs?wait=30", #"{"handler": "noop"}"#).json["state"] == "succeeded")
      #expect(try server.job(id)["state"] == "queued")
      #expect(try server.post("/v1/queues/night/resume").status == 200)
      #expect(try server.end(of: id)["state"] == "succeeded")
    }
    try folder.remove()
  }

  @Test("the list has the queues with jobs, the paused ones and default, a page at a time")
  func list() throws {
    let waiting = try server.submit("noop", "{}", #""queue": "b-later", "delay": "1h""#)
    try set("a-paused", paused: true)
    func names(_ target: String) throws -> [String] {
      try server.get(target).json["queues"].items.compactMap { $0["name"].string }
    }
    let all = try names("/v1/queues")
    #expect(all.contains("default") && all.contains("a-paused") && all.contains("b-later") && all == all.sorted())
    let first = try server.get("/v1/queues?limit=1")
    #expect(try first.json["next_cursor"].string == all[0] && first["link"]?.contains("cursor=\(all[0])") == true)
    #expect(try names("/v1/queues?limit=1&cursor=\(all[0])") == [all[1]])
    #expect(try server.get("/v1/jobs?queue=b-later").json["jobs"].items.map { $0["id"].string } == [waiting])
    #expect(try queue("b-later")["scheduled"] == 1)
    try set("a-paused", paused: false)
    try server.cancel(waiting)
    #expect(try !names("/v1/queues").contains("a-paused") && !names("/v1/queues").contains("b-later"))
  }

  @Test("a queue that nobody uses is empty, and what can be no queue's name is 404")
  func names() throws {
    let unused = try queue("nobody")
    #expect(unused["depth"] == 0 && unused["paused"] == false && unused["oldest_queued_at"].isNull)
    for name in ["a%20b", "%C3%A9", ".hidden", String(repeating: "q", count: 65)] {
      #expect(try server.get("/v1/queues/\(name)").status == 404)
      #expect(try server.post("/v1/queues/\(name)/pause").status == 404)
    }
    #expect(try server.get("/v1/queues/default/pause").status == 405)
    #expect(try server.post("/v1/queues/default").status == 405)
    #expect(try server.get("/v1/queues/default?x=1").status == 400)
  }

  @Test("explain tells the place in line, and when the job may start")
  func explain() throws {
    try server.end(of: server.submit("spin", #"{"seconds": 0.2}"#))
    let blockers = try (0..<2).map { _ in try server.runningSpin() }
    let line = try [5, 3, 9].map { try server.submit("noop", "{}", #""priority": \#($0)"#) }
    // An acceptor that ran short jobs before may hold one a moment before it gives it back.
    let places = try eventually(
      "all three are in line", see: { try line.map { try server.get("/v1/jobs/\($0)/explain").json } }
    ) { $0.map { $0["position"] } == [2, 3, 1] }
    #expect(places.allSatisfy { $0["reason"] == "no_free_worker" && $0["detail"].string != nil })
    #expect(places.allSatisfy { $0["estimated_start_at"].seconds != nil })
    let later = try server.submit("noop", "{}", #""delay": "1h""#)
    let due = try server.get("/v1/jobs/\(later)/explain").json
    #expect(due["reason"] == "not_due" && due["state"] == "scheduled" && due["position"].isNull)
    #expect(try due["estimated_start_at"] == server.job(later)["scheduled_at"])
    for id in blockers + [later] { try server.cancel(id) }
    for id in line { try server.end(of: id) }
    #expect(try server.get("/v1/jobs/\(line[0])/explain?x=1").status == 400)
    #expect(try server.get("/v1/jobs/019a0000-0000-7000-8000-000000000000/explain").status == 404)
  }
}
