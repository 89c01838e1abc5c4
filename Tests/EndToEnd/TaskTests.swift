import Testing

@Suite("I/O jobs in an acceptor", .serialized)
struct TaskTests {
  @Test("2,000 sleepers in one acceptor sleep at the same time")
  func sleepers() throws {
    try withServer(["--acceptors", "1"]) { server in
      let jobs = try concurrently(4) { _ in
        let client = try server.client()
        let body = #"{"handler": "sleep", "args": {"seconds": 2}}"#
        let request = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        return try (0..<500).map { _ in
          try client.send(request)
          let reply = try client.reply()
          guard reply.status == 202, let id = try reply.json["id"].string else {
            throw NeverHappened(description: "not accepted: \(reply)")
          }
          return id
        }
      }.flatMap { $0 }
      let ended = try concurrently(4) { index in
        let client = try server.client()
        return try jobs.enumerated().filter { $0.offset % 4 == index }.map { _, id in
          try client.exchange("GET", "/v1/jobs/\(id)?wait=60").json
        }
      }.flatMap { $0 }
      #expect(ended.count == 2000)
      #expect(ended.allSatisfy { $0["state"] == "succeeded" && $0["run_by"]["acceptor"] == 0 })
      // By the server's own times, which say nothing of how long the clients took.
      let spans = try ended.map {
        (begin: try #require($0["started_at"].seconds), end: try #require($0["finished_at"].seconds))
      }
      #expect(spans.allSatisfy { $0.end - $0.begin >= 1.99 })
      // One after the other they would take 4,000 s.
      let (first, last) = (spans.map(\.begin).min() ?? 0, spans.map(\.end).max() ?? 0)
      #expect(last - first < 60)
      let most = spans.map { one in spans.count { $0.begin <= one.begin && one.begin < $0.end } }.max() ?? 0
      #expect(most >= 200, "at most \(most) slept at once")
    }
  }

  @Test("http_fetch does not reach the server's own addresses unless it is allowed to")
  func privateAddresses() throws {
    try withServer { server in
      for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "127.1"] {
        let reply = try server.post("/v1/run/http_fetch", #"{"url": "http://\#(host):\#(server.port)/livez"}"#)
        #expect(try reply.status == 500 && reply.json["job_error"]["type"] == "handler_error", "\(host): \(reply)")
      }
    }
    try withServer(["--allow-private-addresses"]) { server in
      let reply = try server.post("/v1/run/http_fetch", #"{"url": "http://127.0.0.1:\#(server.port)/livez"}"#)
      let result = try reply.json
      #expect(reply.status == 200 && result["status"] == 200 && result["body"] == "alive\n" && result["bytes"] == 6)
      #expect(result["headers"]["content-type"].string?.hasPrefix("text/plain") == true)
      // An error of the other server is a result.
      let missing = try server.post("/v1/run/http_fetch", #"{"url": "http://127.0.0.1:\#(server.port)/v1/nothing"}"#)
      #expect(try missing.status == 200 && missing.json["status"] == 404)
    }
  }
}
