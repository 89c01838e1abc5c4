import Foundation
import Testing

@Suite("Limits of waits, results and connections", .serialized)
struct LimitTests {
  @Test("a wait is cut to max_wait, and what was granted is said")
  func waits() throws {
    try withServer(["--max-wait", "1s"]) { server in
      let began = ContinuousClock.now
      let job = #"{"handler": "sleep", "args": {"seconds": 30}}"#
      let asked = try server.post("/v1/jobs", job, "Prefer: wait=25")
      #expect(asked.status == 202 && asked["preference-applied"] == "wait=1", "\(asked)")
      let run = try server.post("/v1/run/sleep", #"{"seconds": 30}"#)
      #expect(run.status == 202)
      #expect(began.duration(to: .now) < .seconds(20))
      #expect(try server.get("/v1").json["limits"]["wait_seconds"] == 1)
    }
  }

  @Test("a result over max_result fails its job as invalid_result; one at the limit is kept")
  func results() throws {
    try withServer(["--max-result", "1KiB"]) { server in
      // With its quotes it has as many bytes as are allowed.
      let fits = try server.submit("echo", "\"\(String(repeating: "a", count: 1022))\"")
      #expect(try server.end(of: fits)["state"] == "succeeded")
      let large = try server.submit("echo", "\"\(String(repeating: "a", count: 1023))\"")
      let job = try server.end(of: large)
      #expect(job["state"] == "failed" && job["error"]["type"] == "invalid_result", "\(job)")
      #expect(job["error"]["message"].string == "the result has 1025 bytes, and at most 1024 are kept")
      #expect(try server.get("/v1/jobs/\(large)/result").status == 409)
      #expect(try server.get("/metrics").text.contains("millrace_refusals_total{reason=\"result\"} 1\n"))
    }
  }

  @Test("header fields over max_headers are 431, on the first and on a later request of a connection; less is read")
  func headers() throws {
    try withServer(["--max-headers", "32KiB"]) { server in
      let client = try server.client()
      func long(_ count: Int) -> String { "X-Long: " + String(repeating: "a", count: count) }
      for _ in 0..<2 {
        let reply = try client.exchange("GET", "/v1", headers: [long(30_000)])
        #expect(reply.status == 200, "\(reply)")
      }
      let late = try client.exchange("GET", "/v1", headers: ["X-Long: " + String(repeating: "a", count: 33_000)])
      #expect(late.status == 431 && late.isProblem, "\(late)")
      let first = try server.get("/v1", "X-Long: " + String(repeating: "a", count: 33_000))
      #expect(first.status == 431 && first.isProblem, "\(first)")
    }
    try withServer(["--max-headers", "4KiB"]) { server in
      let reply = try server.get("/v1", "X-Long: " + String(repeating: "a", count: 5000))
      #expect(reply.status == 431)
      #expect(try server.get("/v1").status == 200)
    }
  }

  @Test("connections over max_connections are accepted when others end, and answered then")
  func connections() throws {
    try withServer(["--max-connections", "1", "--acceptors", "1"]) { server in
      var first: HTTPClient? = try server.client()
      #expect(try first?.exchange("GET", "/livez").status == 200)
      let second = try HTTPClient(server.address, limitSeconds: 1)
      try second.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
      #expect(throws: HTTPClient.Failure.self) { try second.reply() }
      first = nil
      try eventually("the second is answered") { (try? second.reply().status) == 200 }
    }
  }
}
