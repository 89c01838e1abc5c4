import Testing

@Suite("Acceptors among themselves", .serialized, .server())
struct AcceptorTests {
  let server = ServerProcess.current

  @Test("work that a busy acceptor has queued is taken by a free one")
  func workIsShared() throws {
    try server.wholeTree()
    let client = try server.client()
    let body = Array(#"{"handler": "spin", "args": {"seconds": 1}}"#.utf8)
    let ids = try (0..<2).map { _ in
      let reply = try client.exchange("POST", "/v1/jobs", body: body)
      return try #require(reply.json["id"].string)
    }
    let jobs = try ids.map { try server.end(of: $0) }
    let begins = try jobs.map { try #require($0["started_at"].seconds) }
    let ends = try jobs.map { try #require($0["finished_at"].seconds) }
    #expect(begins.max()! < ends.min()!, "they ran one after the other: \(jobs)")
    #expect(Set(jobs.compactMap { $0["run_by"]["acceptor"].int }) == [0, 1])
  }

  @Test("all who wait for a job wake when it ends, at whichever acceptor they wait")
  func crossWait() throws {
    let id = try server.submit("sleep", #"{"seconds": 2}"#)
    try server.job(id, is: "running")
    let waiters = try (0..<40).map { _ in
      let client = try server.client()
      try client.send("GET /v1/jobs/\(id)?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      return client
    }
    try eventually("both acceptors have connections", see: { try server.get("/v1/processes").json["acceptors"] }) {
      $0.items.allSatisfy { $0["connections"].int ?? 0 > 0 }
    }
    let replies = try waiters.map { try $0.reply() }
    let states = try replies.map { try $0.json["state"] }
    #expect(states.allSatisfy { $0 == "succeeded" })
    #expect(Set(replies.map { $0["etag"] }).count == 1)
  }

  @Test("every acceptor shows a job as it is, at once")
  func sameView() throws {
    let clients = try (0..<16).map { _ in try server.client() }
    for _ in 0..<10 {
      let id = try server.submit("noop", "{}", #""delay": "1h""#)
      for client in clients {
        #expect(try client.exchange("GET", "/v1/jobs/\(id)").json["state"] == "scheduled")
      }
      _ = try server.post("/v1/jobs/\(id)/cancel")
      for client in clients {
        #expect(try client.exchange("GET", "/v1/jobs/\(id)").json["state"] == "cancelled")
      }
      #expect(try server.delete("/v1/jobs/\(id)").status == 204)
      for client in clients { #expect(try client.exchange("GET", "/v1/jobs/\(id)").status == 410) }
    }
  }

  @Test("a job is cancelled at whichever acceptor the wish arrives")
  func cancelledElsewhere() throws {
    for _ in 0..<6 {
      let id = try server.submit("sleep", #"{"seconds": 600}"#)
      try server.job(id, is: "running")
      #expect(try server.post("/v1/jobs/\(id)/cancel").status == 202)
      #expect(try server.end(of: id, within: .seconds(10))["state"] == "cancelled")
    }
  }

  @Test("two jobs are never run by one attempt too many: 300 no-ops start once each")
  func exactlyOnce() throws {
    let ids = try concurrently(6) { _ in
      let client = try server.client()
      return try (0..<50).map { _ in
        try #require(client.exchange("POST", "/v1/jobs", body: Array(#"{"handler": "noop"}"#.utf8)).json["id"].string)
      }
    }.flatMap { $0 }
    let client = try server.client()
    for id in ids {
      let job = try client.exchange("GET", "/v1/jobs/\(id)?wait=30").json
      #expect(job["state"] == "succeeded" && job["attempt"] == 1 && job["attempts"].items.count == 1)
    }
  }
}
