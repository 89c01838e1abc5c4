import Testing

@Suite("Batches", .serialized, .server())
struct BatchTests {
  let server = ServerProcess.current

  @Test("a document of inputs becomes jobs, whose counts and results can be read")
  func document() throws {
    let body = #"{"handler": "count_primes", "args": [{"below": 10}, {"below": 100}, {"below": 1000}], "priority": 3}"#
    let reply = try server.post("/v1/batches", body)
    #expect(reply.status == 202 && reply["retry-after"] == "1")
    let id = try #require(try reply.json["id"].string)
    #expect(reply["location"] == "/v1/batches/\(id)")
    #expect(try reply.json["total"] == 3 && reply.json["handler"] == "count_primes" && reply.json["done"] == false)
    let done = try server.endOfBatch(id)
    #expect(done["counts"]["succeeded"] == 3 && done["counts"]["queued"] == 0 && !done["finished_at"].isNull)
    let lines = try server.results(id, "?order=submitted").all()
    #expect(lines.map { $0["index"].int } == [0, 1, 2])
    #expect(lines.map { $0["result"]["count"].int } == [4, 25, 168])
    #expect(lines.allSatisfy { $0["state"] == "succeeded" && $0["error"].isNull })
    let jobs = try server.get("/v1/jobs?batch=\(id)").json["jobs"].items
    #expect(jobs.map { $0["id"].string } == lines.reversed().map { $0["id"].string })
    #expect(jobs.allSatisfy { $0["batch"].string == id && $0["priority"] == 3 })
    #expect(try server.get("/v1/batches?limit=1").json["batches"][0] == done)
  }

  @Test("lines of inputs come back as they were sent, and options stand in the query")
  func lines() throws {
    let inputs = [#"{"n": 9007199254740993}"#, #"[1.50, 1e400]"#, #""é\u0041""#, "null", "{}"]
    let id = try server.submitBatch("echo", inputs + ["", "  "], "&priority=-4&chunk_size=3&metadata={\"a\":1}")
    try server.endOfBatch(id)
    let reply = try server.get("/v1/batches/\(id)/results?order=submitted")
    #expect(reply["content-type"] == "application/x-ndjson")
    for (line, input) in zip(reply.text.split(separator: "\n"), inputs) {
      #expect(line.contains("\"result\":\(input),"), "\(line)")
    }
    let job = try server.get("/v1/jobs?batch=\(id)&limit=1").json["jobs"][0]
    #expect(job["priority"] == -4 && job["metadata"]["a"] == 1)
  }

  @Test("a slow first input holds back nobody, unless the order of inputs is asked for")
  func slowFirst() throws {
    let inputs = [#"{"seconds": 600}"#] + Array(repeating: #"{"seconds": 0}"#, count: 20)
    let id = try server.submitBatch("sleep", inputs)
    let (completed, submitted) = (try server.results(id), try server.results(id, "?order=submitted"))
    var seen: Set<Int> = []
    for _ in 0..<20 { seen.insert(try #require(try completed.next()?["index"].int)) }
    #expect(seen == Set(1...20))
    let slow = try #require(
      try server.get("/v1/jobs?batch=\(id)&state=running").json["jobs"][0]["id"].string)
    #expect(try server.batch(id)["counts"]["running"] == 1)
    try server.cancel(slow)
    #expect(try completed.next()?["index"] == 0)
    #expect(try completed.next() == nil)
    let lines = try submitted.all()
    #expect(lines.map { $0["index"].int } == Array(0...20) && lines[0]["state"] == "cancelled")
    #expect(lines[0]["error"]["type"] == "cancelled")
  }

  @Test("the connection of a finished stream takes the next request")
  func keepAlive() throws {
    let id = try server.submitBatch("noop", ["{}", "{}"])
    let reader = try server.results(id)
    #expect(try reader.all().count == 2)
    let again = try reader.client.exchange("GET", "/v1/batches/\(id)/results?after=1")
    #expect(again.status == 200 && again.text.split(separator: "\n").count == 1)
    let head = try server.head("/v1/batches/\(id)/results")
    #expect(head.status == 200 && head["content-type"] == "application/x-ndjson")
  }

  @Test("a reader goes on behind the cursor of its last line, at any acceptor", arguments: ["completed", "submitted"])
  func resume(order: String) throws {
    let id = try server.submitBatch("sleep", (0..<300).map { "{\"seconds\": 0.0\($0 % 10)}" })
    var (indexes, place, cursor, readers) = ([Int](), "", 0, 0)
    while indexes.count < 300 {
      // Each reader has a connection of its own, takes some lines, and leaves amid the stream.
      let reader = try server.results(id, "?order=\(order)\(place)")
      for _ in 0..<40 {
        guard let line = try reader.next() else { break }
        indexes.append(try #require(line["index"].int))
        cursor = try #require(line["cursor"].int)
        place = "&after=\(cursor)"
      }
      readers += 1
    }
    #expect(indexes.sorted() == Array(0..<300) && readers > 5)
    if order == "submitted" { #expect(indexes == Array(0..<300)) }
    #expect(try server.results(id, "?order=\(order)&after=\(cursor)").all().isEmpty)
    let beyond = try server.get("/v1/batches/\(id)/results?order=\(order)&after=\(cursor + 1)")
    #expect(beyond.status == 400 && beyond.detail.contains("'cursor' of a line"), "\(beyond)")
  }

  @Test("whoever asks behind the last line there is waits for the next one", arguments: ["completed", "submitted"])
  func waits(order: String) throws {
    let id = try server.submitBatch("sleep", [#"{"seconds": 0}"#, #"{"seconds": 600}"#])
    let first = try #require(try server.results(id, "?order=\(order)").next()?["cursor"].int)
    let reader = try server.results(id, "?order=\(order)&after=\(first)")
    let beyond = try server.get("/v1/batches/\(id)/results?order=\(order)&after=\(first + 2)")
    #expect(beyond.status == 400, "it would wait for the end, and then have nothing")
    _ = try server.post("/v1/batches/\(id)/cancel")
    let lines = try reader.all()
    #expect(lines.map { $0["index"] } == [1] && lines[0]["cursor"].int == first + 1)
  }

  /// Counts after a change, for which a client waits that knows those before it; and how long that took.
  private func nextCounts(
    of id: String, at server: ServerProcess, when change: () throws -> Void
  ) throws -> (counts: JSON, took: Duration) {
    let tag = try #require(try server.get("/v1/batches/\(id)")["etag"])
    let began = ContinuousClock().now
    let waiting = try server.client()
    try waiting.send(
      "GET /v1/batches/\(id)?wait=60 HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: \(tag)\r\n\r\n")
    // Answered after the one before it is looked into.
    _ = try server.batch(id)
    try change()
    let reply = try waiting.reply()
    #expect(reply.status == 200)
    return (try reply.json["counts"], began.duration(to: ContinuousClock().now))
  }

  @Test("who waits for a change of a batch is told at once of a job that is deleted")
  func deleted() throws {
    let id = try server.submitBatch("sleep", [#"{"seconds": 0}"#, #"{"seconds": 600}"#])
    let ended = try #require(try server.results(id).next()?["id"].string)
    try eventually("the other one runs") { try server.batch(id)["counts"]["running"] == 1 }
    let (counts, took) = try nextCounts(of: id, at: server) { _ = try server.delete("/v1/jobs/\(ended)") }
    #expect(counts["succeeded"] == 0 && counts["running"] == 1 && took < .seconds(30), "\(took)")
    _ = try server.post("/v1/batches/\(id)/cancel")
  }

  @Test("who waits for a change of a batch is told at once of a job that expires")
  func expired() throws {
    try withServer(["--retention", "1s", "--acceptors", "2"]) { server in
      let id = try server.submitBatch("sleep", [#"{"seconds": 0}"#, #"{"seconds": 600}"#])
      try eventually("one has ended, and the other runs") {
        let counts = try server.batch(id)["counts"]
        return counts["succeeded"] == 1 && counts["running"] == 1
      }
      let (counts, took) = try nextCounts(of: id, at: server) {}
      // Expired jobs are looked for every ten seconds.
      #expect(counts["succeeded"] == 0 && counts["running"] == 1 && took < .seconds(30), "\(took)")
    }
  }

  @Test("several readers each get all of it while it runs")
  func readers() throws {
    let target = server
    let id = try target.submitBatch("sleep", (0..<200).map { "{\"seconds\": 0.\($0 % 10)}" })
    let lines = try concurrently(8) { reader in
      try target.results(id, reader % 2 == 0 ? "" : "?order=submitted").all().compactMap { $0["index"].int }
    }
    #expect(lines.allSatisfy { $0.sorted() == Array(0..<200) })
  }

  @Test("a crash fails the input that ran, and the others have their results")
  func crash() throws {
    let id = try server.submitBatch("crash", ["{}", "{}"], "&chunk_size=2")
    let good = try server.submitBatch("count_primes", (2..<200).map { "{\"below\": \($0)}" }, "&chunk_size=16")
    let lines = try server.results(id).all()
    #expect(lines.count == 2 && lines.allSatisfy { $0["error"]["type"] == "crashed" && $0["result"].isNull })
    #expect(try server.results(good).all().allSatisfy { $0["state"] == "succeeded" })
    #expect(try server.batch(id)["counts"]["failed"] == 2)
  }

  @Test("results that are not JSON, or large, are told of and stand elsewhere")
  func elsewhere() throws {
    let id = try server.submitBatch("mandelbrot", [#"{"width": 20, "height": 20}"#])
    let large = try server.submitBatch("echo", ["\"\(String(repeating: "x", count: 70_000))\""])
    for (batch, type) in [(id, "image/png"), (large, "application/json")] {
      let line = try #require(try server.results(batch).all().first)
      #expect(line["state"] == "succeeded" && line["result"].isNull && line["result_type"].string == type)
      let result = try server.get(try #require(line["result_link"].string))
      #expect(result["content-type"] == type && result.body.count == line["result_bytes"].int)
    }
  }

  @Test("those who watch are told of the end of each input, those that became jobs after the cancel among them")
  func cancelIsTold() throws {
    let inputs = 5000
    let stream = try EventStream(server, "/v1/events")
    #expect(try server.post("/v1/queues/told/pause").status == 200)
    let id = try server.submitBatch("noop", Array(repeating: "{}", count: inputs), "&queue=told")
    #expect([200, 202].contains(try server.post("/v1/batches/\(id)/cancel").status))
    var ended: Set<String> = []
    _ = try stream.events { event in
      if try event.json["state"] == "cancelled" { ended.insert(try event.json["id"].string ?? "") }
      return ended.count == inputs
    }
    #expect(try server.endOfBatch(id)["counts"]["cancelled"].int == inputs)
    #expect(try Set(server.results(id).all().compactMap { $0["id"].string }) == ended)
    #expect(try server.post("/v1/queues/told/resume").status == 200)
  }

  @Test("a cancelled batch ends: what waits never starts, what runs is stopped")
  func cancel() throws {
    let id = try server.submitBatch("spin", Array(repeating: "{}", count: 1000))
    try eventually("two run", see: { try server.batch(id) }) { $0["counts"]["running"] == 2 }
    let reply = try server.post("/v1/batches/\(id)/cancel")
    #expect(reply.status == 200 || reply.status == 202)
    let done = try server.endOfBatch(id)
    #expect(done["counts"]["cancelled"] == 1000)
    #expect(try server.post("/v1/batches/\(id)/cancel").status == 409)
    let lines = try server.results(id).all()
    #expect(lines.count == 1000 && lines.allSatisfy { $0["error"]["type"] == "cancelled" })
    let waiting = try server.submitBatch("noop", ["{}", "{}"], "&delay=1h")
    #expect(try server.batch(waiting)["counts"]["scheduled"] == 2)
    let cancelled = try server.post("/v1/batches/\(waiting)/cancel")
    #expect(try cancelled.status == 200 && cancelled.json["counts"]["cancelled"] == 2)
  }

  @Test("a job that is retried and ends again has a further line")
  func retried() throws {
    let id = try server.submitBatch("fail", [#"{"message": "one"}"#])
    let first = try #require(try server.results(id).all().first)
    let job = try #require(first["id"].string)
    #expect(try server.post("/v1/jobs/\(job)/retry").status == 202)
    try server.endOfBatch(id)
    let second = try server.results(id, "?after=\(try #require(first["cursor"].int))").all()
    #expect(second.count == 1 && second[0]["index"] == 0 && second[0]["error"]["attempt"] == 2)
    #expect(try server.results(id).all() == second)
  }

  @Test("a wait is answered at the end, or at a change where the client names what it knows")
  func waits() throws {
    let id = try server.submitBatch("sleep", [#"{"seconds": 0.3}"#, #"{"seconds": 600}"#])
    let tag = try #require(try server.get("/v1/batches/\(id)")["etag"])
    #expect(try server.get("/v1/batches/\(id)", "If-None-Match: \(tag)").status == 304)
    try eventually("one has ended", see: { try server.get("/v1/batches/\(id)?wait=30", "If-None-Match: \(tag)") }) {
      try $0.status == 200 && $0["etag"] != tag && $0.json["counts"]["succeeded"] == 1
    }
    let target = server
    let replies = try concurrently(2) { index in
      if index == 0 { return try target.get("/v1/batches/\(id)", "Prefer: wait=60") }
      return try target.post("/v1/batches/\(id)/cancel")
    }
    #expect(try replies[0].json["done"] == true && replies[0]["preference-applied"] == "wait=60")
  }

  @Test("a batch goes with its last job: 410, and 404 for an id that was never given out")
  func gone() throws {
    let id = try server.submitBatch("noop", ["{}"])
    let line = try #require(try server.results(id).all().first)
    #expect(try server.delete("/v1/jobs/\(try #require(line["id"].string))").status == 204)
    for target in ["/v1/batches/\(id)", "/v1/batches/\(id)/results"] {
      #expect(try server.get(target).status == 410)
    }
    #expect(try server.post("/v1/batches/\(id)/cancel").status == 410)
    let job = try server.submit("noop")
    for other in [job, "019a0000-0000-7000-8000-000000000001", "x"] {
      let reply = try server.get("/v1/batches/\(other)")
      #expect(reply.status == 404 && reply.isProblem)
    }
    #expect(try server.get("/v1/jobs/\(id)").status == 404)
  }

  @Test("what is wrong is refused as a whole, and says where")
  func refused() throws {
    let before = try server.get("/v1/batches").json
    let lines = Array("{\"below\": 5}\n{\"below\": 1}\n{\"below\": true}".utf8)
    let schema = try server.post("/v1/batches?handler=count_primes", bytes: lines)
    #expect(schema.status == 422 && schema.pointers == ["/args/1/below", "/args/2/below"])
    let syntax = try server.post("/v1/batches?handler=count_primes", bytes: Array("{\"below\": 5}\n{below}".utf8))
    #expect(try syntax.status == 400 && syntax.json["line"] == 2 && syntax.json["column"] == 2)
    for (target, status) in [
      ("/v1/batches?handler=none", 422), ("/v1/batches?handler=noop&other=1", 400), ("/v1/batches?wait=1", 400),
      ("/v1/batches?handler=noop&chunk_size=0", 400), ("/v1/batches?priority=1", 400),
    ] {
      #expect(try server.post(target, bytes: Array("{}".utf8)).status == status, "\(target)")
    }
    #expect(try server.post("/v1/batches?handler=noop").status == 400)
    let form = try server.post("/v1/batches?handler=noop", bytes: Array("{}".utf8), "Content-Type: image/png")
    #expect(form.status == 415)
    for (query, reason) in [
      ("order=random", "order must be one of completed, submitted"),
      ("after=x", "after must be a whole number from 0 to"),
      ("after=-1", "after must be a whole number from 0 to"), ("after=", "after must be a whole number from 0 to"),
      ("other=1", "there is no query parameter 'other' here: this takes order, after"),
      ("cursor=1", "there is no query parameter 'cursor' here: 'after' takes a cursor"),
    ] {
      let reply = try server.get("/v1/batches/019a0000-0000-7000-8000-000000000001/results?\(query)")
      #expect(reply.status == 400 && reply.detail.hasPrefix(reason), "\(reply)")
    }
    #expect(try server.get("/v1/batches?cursor=x").status == 400)
    #expect(try server.get("/v1/jobs?batch=x").status == 400)
    let allowed = try server.delete("/v1/batches")
    #expect(allowed.status == 405 && allowed["allow"] == "GET, HEAD, POST")
    #expect(try server.get("/v1/batches").json == before)
  }
}
