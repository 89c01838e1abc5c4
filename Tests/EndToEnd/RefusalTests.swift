import Testing

@Suite("Requests that are well-formed and refused", .serialized, .server("--max-body", "1MiB"))
struct RefusalTests {
  let server = ServerProcess.current

  @Test(
    "what is not there is 404",
    arguments: [
      "/v1/", "/v1/nothing", "/v1/jobs/", "/v2", "/nothing", "/", "/v1/run", "/v1/run/", "/v1/handlers/", "/V1/jobs",
      "/v1//jobs", "/v1/jobs/019a0000-0000-7000-8000-000000000000/nothing", "/metrics/", "/../etc/passwd",
    ])
  func unknownRoutes(_ path: String) throws {
    let reply = try server.get(path)
    #expect(reply.status == 404 && reply.isProblem, "\(reply)")
  }

  @Test(
    "a method that a resource does not take is 405, and Allow names those it takes",
    arguments: [
      ("PUT", "/v1/jobs", ["GET", "HEAD", "POST"]), ("DELETE", "/v1/jobs", ["GET", "HEAD", "POST"]),
      ("POST", "/v1/jobs/019a0000-0000-7000-8000-000000000000", ["DELETE", "GET", "HEAD"]),
      ("GET", "/v1/run/noop", ["POST"]), ("DELETE", "/v1/handlers", ["GET", "HEAD"]),
      ("POST", "/livez", ["GET", "HEAD"]),
      ("PATCH", "/v1", ["GET", "HEAD"]), ("GET", "/v1/jobs/019a0000-0000-7000-8000-000000000000/cancel", ["POST"]),
      ("BREW", "/metrics", ["GET", "HEAD"]), ("OPTIONS", "/v1/jobs", ["GET", "HEAD", "POST"]),
      ("TRACE", "/v1/jobs", ["GET", "HEAD", "POST"]),
    ])
  func wrongMethods(_ method: String, _ path: String, _ allowed: [String]) throws {
    let reply = try server.client().exchange(method, path)
    #expect(reply.status == 405 && reply.isProblem, "\(reply)")
    #expect(reply["allow"]?.split(separator: ", ").map(String.init).sorted() == allowed)
  }

  @Test(
    "a media type that cannot be taken is 415; JSON, curl's default, and none at all are taken",
    arguments: [
      ("text/plain", 415), ("image/png", 415), ("multipart/form-data; boundary=x", 415), ("application/jsonx", 415),
      ("application/json", 202), ("application/json; charset=utf-8", 202), ("application/problem+json", 202),
      ("application/x-www-form-urlencoded", 202), ("Application/JSON", 202),
    ])
  func mediaTypes(_ type: String, _ status: Int) throws {
    let reply = try server.post("/v1/jobs", bytes: Array(#"{"handler": "noop"}"#.utf8), "Content-Type: \(type)")
    #expect(reply.status == status, "\(reply)")
    #expect(status == 202 || reply.isProblem)
    #expect(try server.post("/v1/jobs", bytes: Array(#"{"handler": "noop"}"#.utf8)).status == 202)
  }

  @Test(
    "a body that is too large is 413 before it is sent",
    arguments: ["/v1/jobs", "/v1/run/noop", "/v1/run/sha256", "/v1/jobs?handler=sha256"])
  func tooLarge(_ target: String) throws {
    let client = try server.client()
    try client.send("POST \(target) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\n\r\n")
    let reply = try client.reply()
    #expect(reply.status == 413 && reply.isProblem && reply["connection"] == "close")
  }

  @Test("a client that asks whether to send its body is told no without an interim reply, or yes with one")
  func expectContinue() throws {
    let refused = try server.client()
    let head = "POST /v1/run/sha256 HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    try refused.send(head + "Content-Length: 99999999\r\n\r\n")
    #expect(try refused.head().status == 413)
    let welcome = try server.client()
    try welcome.send(head + "Content-Length: 3\r\n\r\n")
    #expect(try welcome.head().status == 100)
    try welcome.send("abc")
    #expect(try welcome.reply().status == 200)
    let unknown = try server.client()
    try unknown.send("POST /v1/run/sha256 HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\nContent-Length: 3\r\n\r\n")
    #expect(try unknown.reply().status == 417)
  }

  @Test("a body in chunks is 413 where it crosses the limit")
  func tooLargeInChunks() throws {
    let client = try server.client()
    try client.send("POST /v1/run/sha256 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    let piece = String(repeating: "x", count: 0x10000)
    do {
      for _ in 0..<20 { try client.send("10000\r\n\(piece)\r\n") }
    } catch HTTPClient.Failure.ended {
      // The server may close before everything is sent; its reply is there all the same.
    }
    #expect(try client.reply().status == 413)
  }

  @Test(
    "a body that is not JSON is 400, with the line and the column",
    arguments: [
      ("{\n  \"handler\": noop }", 2, 14), ("", 1, 1), ("{\"handler\": \"noop\"", 1, 19), ("{} x", 1, 4),
      ("{\"handler\": \"noop\",\n\"handler\": \"noop\"}", 2, 1), ("{\"a\": \"\\ud800\"}", 1, 8), ("[1,]", 1, 4),
      ("{\"a\": 01}", 1, 7),
    ])
  func notJSON(_ body: String, _ line: Int, _ column: Int) throws {
    let reply = try server.post("/v1/jobs", body)
    #expect(reply.status == 400 && reply.isProblem, "\(reply)")
    if !body.isEmpty {
      let json = try reply.json
      #expect(json["line"].int == line && json["column"].int == column, "\(reply)")
    }
  }

  @Test("bytes that are not UTF-8, and 65 levels of nesting, are 400; 64 are not")
  func oddJSON() throws {
    #expect(try server.post("/v1/jobs", bytes: Array("{\"a\": \"".utf8) + [0xFF, 0x22, 0x7D]).status == 400)
    func nested(_ levels: Int) -> String {
      String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }
    #expect(try server.post("/v1/run/echo", nested(64)).status == 200)
    #expect(try server.post("/v1/run/echo", nested(65)).status == 400)
    #expect(try server.post("/v1/jobs", #"{"handler": "echo", "args": \#(nested(63))}"#).status == 202)
    #expect(try server.post("/v1/jobs", #"{"handler": "echo", "args": \#(nested(64))}"#).status == 400)
  }

  @Test("JSON that is no object is 422", arguments: ["[]", "\"noop\"", "1", "null", "true"])
  func noObject(_ body: String) throws {
    let reply = try server.post("/v1/jobs", body)
    #expect(reply.status == 422 && reply.isProblem, "\(reply)")
  }

  @Test("a Host that is not the server's own is 403", arguments: ["evil.example", "localhost.evil.example:80", "evil"])
  func foreignHost(_ host: String) throws {
    for request in ["GET /v1/jobs", "GET /livez", "POST /v1/run/noop"] {
      let client = try server.client()
      try client.send("\(request) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: 0\r\n\r\n")
      let reply = try client.reply()
      #expect(reply.status == 403 && reply.isProblem, "\(request): \(reply)")
    }
  }

  @Test(
    "the server's own names and any address are good Hosts",
    arguments: ["localhost", "LOCALHOST", "127.0.0.1:80", "[::1]:8080", "10.1.2.3"])
  func ownHost(_ host: String) throws {
    let client = try server.client()
    try client.send("GET /livez HTTP/1.1\r\nHost: \(host)\r\n\r\n")
    #expect(try client.reply().status == 200)
  }

  @Test(
    "what a browser sends from another site is 403, if it changes something",
    arguments: [
      "Origin: https://evil.example", "Origin: null", "Origin: http://localhost:1", "Sec-Fetch-Site: cross-site",
      "Sec-Fetch-Site: same-site",
    ])
  func crossSite(_ header: String) throws {
    let id = try server.submit("noop")
    for (method, target) in [
      ("POST", "/v1/jobs"), ("POST", "/v1/run/noop"), ("DELETE", "/v1/jobs/\(id)"), ("POST", "/v1/jobs/\(id)/cancel"),
    ] {
      let body = method == "POST" ? Array("{}".utf8) : nil
      let reply = try server.client().exchange(method, target, headers: [header], body: body)
      #expect(reply.status == 403 && reply.isProblem, "\(method) \(target): \(reply)")
    }
    #expect(try server.get("/v1/jobs/\(id)", header).status == 200)
    let ownPage = ["Origin: http://localhost", "Sec-Fetch-Site: same-origin"]
    #expect(try server.client().exchange("POST", "/v1/run/noop", headers: ownPage, body: []).status == 200)
  }
}
