import Testing

@Suite("The options of a submit", .serialized, .server("--acceptors", "1", "--workers", "1"))
struct OptionTests {
  let server = ServerProcess.current

  @Test("jobs of higher priority go first, and those of the same in the order they came")
  func priorities() throws {
    let blocker = try server.runningSpin()
    var ids: [Int: [String]] = [:]
    for priority in [0, -100, 7, 100, 0, 7] {
      ids[priority, default: []].append(try server.submit("noop", "{}", #""priority": \#(priority)"#))
    }
    try server.cancel(blocker)
    let order = [100, 7, 0, -100].flatMap { ids[$0] ?? [] }
    let jobs = try order.map { try server.end(of: $0) }
    let starts = try jobs.map { try #require($0["started_at"].seconds) }
    #expect(starts == starts.sorted(), "\(starts)")
    #expect(jobs.map { $0["priority"] } == [100, 7, 7, 0, 0, -100])
  }

  @Test("a job with a delay or a time is scheduled, and then runs")
  func scheduled() throws {
    let id = try server.submit("noop", "{}", #""delay": "700ms""#)
    let first = try server.job(id)
    #expect(first["state"] == "scheduled" && first["done"] == false && first["attempt"] == 0)
    let due = try #require(first["scheduled_at"].seconds)
    let job = try server.end(of: id)
    #expect(job["state"] == "succeeded")
    #expect(try #require(job["started_at"].seconds) >= due)

    let past = try server.post("/v1/jobs?wait=30", #"{"handler": "noop", "run_at": "2001-01-01T00:00:00+01:00"}"#)
    #expect(try past.json["state"] == "succeeded")
    let future = try server.submit("noop", "{}", #""run_at": "2099-12-31T23:59:59.5+05:30""#)
    #expect(try server.job(future)["scheduled_at"].string?.hasPrefix("2099-12-31T18:29:59.5") == true)
    try server.cancel(future)
  }

  @Test("a job that exceeds its timeout fails, and its worker is free again")
  func timeout() throws {
    let job = try server.end(of: server.submit("spin", "{}", #""timeout": "200ms""#))
    #expect(job["state"] == "failed" && job["error"]["type"] == "timed_out")
    #expect(try #require(job["error"]["message"].string).contains("200ms"))
    #expect(try #require(job["usage"]["wall_ms"].double) >= 200)
    #expect(try server.end(of: server.submit("noop"))["state"] == "succeeded")
  }

  @Test("a job that fails is tried max_attempts times, with pauses that grow, and every attempt is listed")
  func attempts() throws {
    let id = try server.submit("fail", #"{"message": "m"}"#, #""max_attempts": 3"#)
    let between = try server.job(id, is: "scheduled")
    #expect(between["error"]["type"] == "handler_error" && between["done"] == false)
    let job = try server.end(of: id)
    #expect(job["state"] == "failed" && job["attempt"] == 3 && job["max_attempts"] == 3)
    let attempts = job["attempts"].items
    #expect(attempts.map { $0["attempt"] } == [1, 2, 3])
    #expect(attempts.allSatisfy { $0["error"]["type"] == "handler_error" && $0["run_by"]["acceptor"] == 0 })
    let begun = try attempts.map { try #require($0["started_at"].seconds) }
    let ended = try attempts.map { try #require($0["finished_at"].seconds) }
    // One second, then two, less a quarter at the most.
    #expect(begun[1] - ended[0] >= 0.75 && begun[2] - ended[1] >= 1.5)
  }

  @Test("metadata comes back exactly as it was sent")
  func metadata() throws {
    let metadata = #"{"n": 9007199254740993, "d": 0.10, "t": "\u00e9\/", "list": [1,  2], "": null}"#
    let id = try server.submit("noop", "{}", #""metadata": \#(metadata)"#)
    try server.end(of: id)
    #expect(try server.get("/v1/jobs/\(id)").text.contains("\"metadata\":\(metadata)"))
    #expect(try server.get("/v1/jobs/\(try server.submit("noop"))").text.contains("\"metadata\":{}"))
  }

  @Test("an explicit null is the same as leaving a field out")
  func nulls() throws {
    let fields = [
      "args", "priority", "run_at", "delay", "timeout", "max_attempts", "metadata", "queue", "key", "unique_key",
    ]
    let nulls = fields.map { "\"\($0)\": null" }.joined(separator: ", ")
    let reply = try server.post("/v1/jobs?wait=30", "{\"handler\": \"noop\", \(nulls)}")
    #expect(try reply.json["state"] == "succeeded")
  }

  @Test(
    "a bad, unknown or unsupported field is 422, and the pointer says which",
    arguments: [
      (#""priority": 101"#, "/priority"), (#""priority": "high""#, "/priority"), (#""priority": 1.5"#, "/priority"),
      (#""delay": "10""#, "/delay"), (#""delay": "-1s""#, "/delay"), (#""delay": 10"#, "/delay"),
      (#""delay": "9999999d""#, "/delay"), (#""run_at": "tomorrow""#, "/run_at"),
      (#""run_at": "2026-02-30T00:00:00Z""#, "/run_at"), (#""run_at": "2026-01-01T00:00:00""#, "/run_at"),
      (#""delay": "1s", "run_at": "2099-01-01T00:00:00Z""#, "/delay"), (#""timeout": "0s""#, "/timeout"),
      (#""timeout": "forever""#, "/timeout"), (#""max_attempts": 0"#, "/max_attempts"),
      (#""max_attempts": 101"#, "/max_attempts"), (#""metadata": []"#, "/metadata"), (#""metadata": "x""#, "/metadata"),
      (#""queue": "a/b""#, "/queue"), (#""queue": """#, "/queue"), (#""queue": ".a""#, "/queue"),
      (#""queue": "\u00e9""#, "/queue"), (#""queue": 1"#, "/queue"), (#""unique_key": """#, "/unique_key"),
      (#""unique_key": {}"#, "/unique_key"), (#""key": """#, "/key"), (#""key": ["k"]"#, "/key"),
      (#""key": "\#(String(repeating: "k", count: 256))""#, "/key"),
      (#""callback_url": "https://example.org/""#, "/callback_url"), (#""Priority": 1"#, "/Priority"),
      (#""a/b~c": 1"#, "/a~1b~0c"), (#""args": {"below": 1}"#, "/args/below"), (#""args": {"over": 1}"#, "/args/over"),
      (#""args": []"#, "/args"), (#""args": {"below": "10"}"#, "/args/below"),
      (#""args": {"below": 1.5}"#, "/args/below"),
    ])
  func badFields(_ fields: String, _ pointer: String) throws {
    let reply = try server.post("/v1/jobs", "{\"handler\": \"count_primes\", \(fields)}")
    #expect(reply.status == 422 && reply.isProblem && reply.pointers.contains(pointer), "\(reply)")
  }

  @Test("all errors of a submit are told at once")
  func severalErrors() throws {
    let reply = try server.post("/v1/jobs", #"{"priority": 1000, "nonsense": 1, "delay": "x"}"#)
    #expect(reply.status == 422)
    #expect(Set(reply.pointers) == ["/priority", "/nonsense", "/delay", "/handler"])
  }

  @Test("metadata of more than 16 KiB is 422")
  func largeMetadata() throws {
    let text = String(repeating: "x", count: 16 * 1024)
    let reply = try server.post("/v1/jobs", #"{"handler": "noop", "metadata": {"text": "\#(text)"}}"#)
    #expect(reply.status == 422 && reply.pointers == ["/metadata"])
  }

  @Test("the same options stand in the query where the body is the input itself")
  func queryOptions() throws {
    let target =
      "/v1/jobs?handler=sha256&queue=bodies&key=k&unique_key=u&priority=5&max_attempts=2&timeout=30s"
      + "&metadata=%7B%22a%22%3A1%7D&wait=30"
    let job = try server.post(target, bytes: Array("abc".utf8)).json
    #expect(job["state"] == "succeeded" && job["priority"] == 5 && job["max_attempts"] == 2)
    #expect(job["queue"] == "bodies")
    #expect(job["metadata"] == .object(["a": 1]))
    #expect(job["result"]["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let args = try server.post("/v1/jobs?handler=count_primes&args.below=100&wait=30")
    #expect(try args.json["result"] == .object(["count": 25]))
    let whole = try server.post("/v1/jobs?handler=count_primes&args=%7B%22below%22%3A100%7D&wait=30")
    #expect(try whole.json["result"] == .object(["count": 25]))
    #expect(try server.post("/v1/jobs?handler=noop&queue=no/name").status == 422)
    #expect(try server.post("/v1/jobs?handler=noop&priority=lots").status == 422)
  }

  @Test(
    "a query parameter that nobody knows is 400",
    arguments: [
      "POST /v1/jobs?nonsense=1", "POST /v1/jobs?handler=noop&nonsense=1", "POST /v1/run/noop?nonsense=1",
      "GET /v1/jobs?nonsense=1", "GET /v1/handlers?x=1", "GET /v1/handlers/noop?x=1", "GET /v1/processes?x",
      "GET /v1?x=1", "GET /metrics?x=1", "GET /livez?x=1", "GET /readyz?x=1", "POST /v1/jobs?wait=1&wait=2",
      "POST /v1/jobs?handler=count_primes&args.below=5&args.below=6", "POST /v1/jobs?priority=1",
    ])
  func unknownParameters(_ request: String) throws {
    let words = request.split(separator: " ").map(String.init)
    let body = words[0] == "POST" ? Array("{}".utf8) : nil
    let reply = try server.client().exchange(words[0], words[1], body: body)
    #expect(reply.status == 400 && reply.isProblem, "\(reply)")
  }
}
