import Testing

@Suite("The rate of a client's requests", .serialized)
struct RateTests {
  @Test(
    "over it the answer is 429 with Retry-After, on all acceptors together; health checks and Unix sockets are free")
  func limited() throws {
    let folder = try TestFolder()
    let arguments = ["--listen", "127.0.0.1:0", "--rate-limit", "20"]
    try withServer(arguments, in: folder, listen: "unix:\(folder.file("socket"))") { server throws in
      let port = try server.tcpPort()
      // A new connection each time: whichever acceptor gets it, the bucket is the same.
      var replies: [HTTPReply] = []
      while replies.last?.status != 429, replies.count < 2000 {
        replies.append(try HTTPClient(.port(port)).exchange("GET", "/v1/handlers"))
      }
      let refused = try #require(replies.last)
      #expect(refused.status == 429 && refused.isProblem, "\(refused)")
      #expect(refused["retry-after"] == "1" && refused.detail.contains("20 requests a second"))
      #expect(replies.count > 20)
      for _ in 0..<50 {
        #expect(try HTTPClient(.port(port)).exchange("GET", "/livez").status == 200)
        #expect(try server.get("/v1").status == 200)
      }
      let page = try server.get("/metrics").text
      #expect(page.contains("millrace_refusals_total{reason=\"rate\"} "))
      #expect(!page.contains("millrace_refusals_total{reason=\"rate\"} 0"))
      try eventually("it passes again") { try HTTPClient(.port(port)).exchange("GET", "/v1").status == 200 }
    }
    try folder.remove()
  }

  @Test("every refusal is counted by its reason")
  func reasons() throws {
    try withServer(["--max-body", "2KiB", "--max-queued", "1"]) { server in
      func counted(_ reason: String) throws -> Int {
        let line = try server.get("/metrics").text.split(separator: "\n")
          .first { $0.hasPrefix("millrace_refusals_total{reason=\"\(reason)\"}") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? -1
      }
      func raises(_ reason: String, _ status: Int, _ request: () throws -> HTTPReply) throws {
        let before = try counted(reason)
        let reply = try request()
        #expect(reply.status == status, "\(reply)")
        #expect(try counted(reason) == before + 1, "\(reason)")
      }
      try raises("body", 413) { try server.post("/v1/jobs", String(repeating: " ", count: 3000)) }
      try raises("head", 431) {
        try server.client().exchange("GET", "/v1", headers: ["X: " + String(repeating: "x", count: 17_000)])
      }
      try raises("malformed", 400) { try server.client().exchange("GET", "/v1", headers: ["no colon"]) }
      // The second request of a connection, which libmicrohttpd refuses.
      try raises("malformed", 400) {
        let client = try server.client()
        #expect(try client.exchange("GET", "/livez").status == 200)
        return try client.exchange("GET", "/v1", headers: ["no colon"])
      }
      try raises("origin", 403) { try server.post("/v1/jobs", "{}", "Origin: http://elsewhere.example") }
    }
  }
}
