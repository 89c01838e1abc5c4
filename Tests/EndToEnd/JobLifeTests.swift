import Testing

@Suite("The life of a job, seen by a client", .serialized, .server())
struct JobLifeTests {
  let server = ServerProcess.current

  @Test("a job is submitted, polled, and gives its result")
  func polled() throws {
    let accepted = try server.post("/v1/jobs", #"{"handler": "count_primes", "args": {"below": 10000000}}"#)
    #expect(accepted.status == 202)
    let id = try #require(accepted.json["id"].string)
    #expect(accepted["location"] == "/v1/jobs/\(id)")
    #expect(try ["queued", "running"].contains(accepted.json["state"].string))
    #expect(try accepted.json["done"] == false)

    let job = try eventually("the job has ended", see: { try server.job(id) }, until: { $0["done"] == true })
    #expect(job["state"] == "succeeded")
    #expect(job["result"] == .object(["count": 664_579]))
    #expect(job["error"].isNull)
    #expect(job["handler"] == "count_primes" && job["args"] == .object(["below": 10_000_000]))
    #expect(job["attempt"] == 1 && job["max_attempts"] == 1)
    #expect(job["attempts"].items.count == 1)
    #expect(job["result_type"] == "application/json" && job["result_bytes"] == 16)
    let times = try ["created_at", "started_at", "finished_at", "expires_at"].map { try #require(job[$0].seconds) }
    #expect(times == times.sorted())
    #expect(try #require(job["usage"]["cpu_ms"].double) > 0)
    #expect(try #require(job["usage"]["max_rss_bytes"].int) > 1_000_000)
    #expect(try #require(job["run_by"]["pid"].int) > 1)
    #expect(job["links"]["self"].string == "/v1/jobs/\(id)")
  }

  @Test("?wait=30 answers a submit with the finished job")
  func waited() throws {
    let reply = try server.post("/v1/jobs?wait=30", #"{"handler": "count_primes", "args": {"below": 10000000}}"#)
    #expect(reply.status == 200)
    #expect(try reply.json["result"] == .object(["count": 664_579]))
    #expect(reply["location"] == (try reply.json["links"]["self"].string))
    #expect(reply["preference-applied"] == nil)
  }

  @Test("Prefer: wait is applied and said to be, at a submit and at a poll")
  func preferred() throws {
    let reply = try server.post("/v1/jobs", #"{"handler": "noop"}"#, "Prefer: respond-async, wait=30")
    #expect(reply.status == 200)
    #expect(reply["preference-applied"] == "wait=30")
    let id = try server.submit("sleep", #"{"seconds": 0.3}"#)
    let poll = try server.get("/v1/jobs/\(id)", "Prefer: wait=30")
    #expect(poll.status == 200 && poll["preference-applied"] == "wait=30")
    #expect(try poll.json["state"] == "succeeded")
  }

  @Test("a wait that ends first answers 202 with the job as it is, and the job goes on")
  func waitedInVain() throws {
    let reply = try server.post("/v1/jobs?wait=1", #"{"handler": "spin"}"#)
    #expect(reply.status == 202)
    #expect(try reply.json["state"] == "running")
    let id = try #require(reply.json["id"].string)
    let poll = try server.get("/v1/jobs/\(id)?wait=1")
    #expect(try poll.status == 200 && poll.json["done"] == false)
    try server.cancel(id)
  }

  @Test("a wait beyond the server's limit is cut to it, and one that makes no sense is 400")
  func oddWaits() throws {
    let reply = try server.post("/v1/jobs", #"{"handler": "noop"}"#, "Prefer: wait=100000")
    #expect(reply["preference-applied"] == "wait=60")
    for wait in ["-1", "soon", "1.5", "", "%2B1"] {
      #expect(try server.post("/v1/jobs?wait=\(wait)", #"{"handler": "noop"}"#).status == 400)
    }
    // What is not understood of a preference is ignored (RFC 7240, section 2).
    #expect(try server.post("/v1/jobs", #"{"handler": "noop"}"#, "Prefer: wait=soon").status == 202)
  }

  @Test("a status has a strong ETag that answers 304 until the job changes")
  func entityTags() throws {
    let id = try server.submit("sleep", #"{"seconds": 30}"#)
    let first = try server.job(id, is: "running")
    let reply = try server.get("/v1/jobs/\(id)")
    let tag = try #require(reply["etag"])
    #expect(tag.hasPrefix("\"") && tag.hasSuffix("\""))
    #expect(try reply.json == first)
    for condition in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
      let again = try server.get("/v1/jobs/\(id)", "If-None-Match: \(condition)")
      #expect(again.status == 304 && again["etag"] == tag && again.body.isEmpty)
    }
    try server.cancel(id)
    let changed = try server.get("/v1/jobs/\(id)", "If-None-Match: \(tag)")
    #expect(try changed.status == 200 && changed["etag"] != tag && changed.json["state"] == "cancelled")
  }

  @Test("a wait with If-None-Match is answered as soon as the job changes")
  func conditionalWait() throws {
    let id = try server.submit("noop", "{}", #""delay": "2s""#)
    let tag = try #require(server.get("/v1/jobs/\(id)")["etag"])
    let woken = try server.get("/v1/jobs/\(id)?wait=30", "If-None-Match: \(tag)")
    #expect(woken.status == 200)
    #expect(try woken.json["state"] != "scheduled")
    // Without a change it is a 304 when the time is over.
    let idle = try server.submit("noop", "{}", #""delay": "1h""#)
    let idleTag = try #require(server.get("/v1/jobs/\(idle)")["etag"])
    #expect(try server.get("/v1/jobs/\(idle)?wait=1", "If-None-Match: \(idleTag)").status == 304)
    try server.cancel(idle)
  }

  @Test("HEAD has the headers of GET and no body, on a connection that goes on")
  func head() throws {
    let id = try server.submit("noop")
    try server.end(of: id)
    let client = try server.client()
    for target in ["/v1/jobs/\(id)", "/v1/jobs/\(id)/result", "/v1/jobs", "/v1/handlers", "/livez"] {
      let get = try client.exchange("GET", target)
      let head = try client.exchange("HEAD", target)
      #expect(head.status == get.status && head.body.isEmpty)
      func named(_ reply: HTTPReply) -> [String] {
        reply.fields.filter { $0.name != "date" }.map { "\($0.name): \($0.value)" }.sorted()
      }
      #expect(named(head) == named(get), "\(target)")
    }
  }

  @Test("an unfinished job says when to ask again, a finished one does not")
  func retryAfter() throws {
    let accepted = try server.post("/v1/jobs", #"{"handler": "sleep", "args": {"seconds": 30}}"#)
    #expect(accepted["retry-after"] == "1")
    let id = try #require(accepted.json["id"].string)
    #expect(try server.get("/v1/jobs/\(id)")["retry-after"] == "1")
    try server.cancel(id)
    #expect(try server.get("/v1/jobs/\(id)")["retry-after"] == nil)
    let later = try server.submit("noop", "{}", #""delay": "10m""#)
    let seconds = try #require(server.get("/v1/jobs/\(later)")["retry-after"].flatMap { Int($0) })
    #expect((590...600).contains(seconds))
    try server.cancel(later)
  }

  @Test("the time to ask again shrinks as a job's time comes near")
  func retryAfterShrinks() throws {
    let id = try server.submit("noop", "{}", #""delay": "3s""#)
    #expect(try ["2", "3"].contains(server.get("/v1/jobs/\(id)")["retry-after"]))
    let seen = try eventually(
      "it shrinks", see: { try server.get("/v1/jobs/\(id)") },
      until: { try $0.json["state"] != "scheduled" || $0["retry-after"] == "1" })
    #expect(try seen.json["state"] == "scheduled")
    try server.end(of: id)
  }

  @Test("an id that was never given out is 404, as is a malformed one")
  func unknownIds() throws {
    let ids = ["019a0000-0000-7000-8000-000000000000", "nonsense", "1", "019a0000-0000-4000-8000-000000000000"]
    for id in ids {
      for path in ["", "/result", "/log"] {
        let reply = try server.get("/v1/jobs/\(id)\(path)")
        #expect(reply.status == 404 && reply.isProblem, "\(id)\(path)")
      }
      #expect(try server.delete("/v1/jobs/\(id)").status == 404)
      #expect(try server.post("/v1/jobs/\(id)/cancel").status == 404)
      #expect(try server.post("/v1/jobs/\(id)/retry").status == 404)
    }
  }

  @Test("a deleted job is gone in every respect: 410")
  func deleted() throws {
    let id = try server.submit("noop")
    try server.end(of: id)
    let reply = try server.delete("/v1/jobs/\(id)")
    #expect(reply.status == 204 && reply.body.isEmpty)
    for path in ["", "/result", "/log"] {
      let gone = try server.get("/v1/jobs/\(id)\(path)")
      #expect(gone.status == 410 && gone.isProblem, "\(path)")
    }
    #expect(try server.delete("/v1/jobs/\(id)").status == 410)
    #expect(try server.post("/v1/jobs/\(id)/cancel").status == 410)
    #expect(try server.post("/v1/jobs/\(id)/retry").status == 410)
  }

  @Test("a job that has not ended cannot be deleted: 409")
  func deletedTooEarly() throws {
    let running = try server.runningSpin()
    let scheduled = try server.submit("noop", "{}", #""delay": "1h""#)
    for id in [running, scheduled] {
      let reply = try server.delete("/v1/jobs/\(id)")
      #expect(reply.status == 409 && reply.isProblem)
      try server.cancel(id)
      #expect(try server.delete("/v1/jobs/\(id)").status == 204)
    }
  }
}
