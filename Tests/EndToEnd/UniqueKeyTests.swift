import Testing

@Suite("Unique keys", .serialized, .server())
struct UniqueKeyTests {
  let server = ServerProcess.current

  @Test("while a job with a unique key has not ended, a second submit is answered with it")
  func second() throws {
    let body = #"{"handler": "spin", "unique_key": "report"}"#
    let first = try server.post("/v1/jobs", body)
    let id = try #require(first.json["id"].string)
    #expect(first.status == 202)
    try server.job(id, is: "running")
    let second = try server.post("/v1/jobs", body)
    #expect(try second.status == 200 && second.json["id"].string == id && second.json["done"] == false)
    #expect(second["location"] == "/v1/jobs/\(id)")
    // Whatever else it asks for.
    let other = try server.post("/v1/jobs", #"{"handler": "noop", "unique_key": "report", "queue": "x"}"#)
    #expect(try other.status == 200 && other.json["id"].string == id)
    try server.cancel(id)
    let third = try server.post("/v1/jobs", body)
    let next = try #require(third.json["id"].string)
    #expect(third.status == 202 && next != id)
    let retried = try server.post("/v1/jobs/\(id)/retry")
    #expect(retried.status == 409 && retried.isProblem && retried.text.contains(next))
    try server.cancel(next)
    #expect(try server.post("/v1/jobs/\(id)/retry").status == 202)
    try server.cancel(id)
  }

  @Test("submits with one unique key at every acceptor at once make one job")
  func atOnce() throws {
    let replies = try concurrently(20) { _ in
      try server.post("/v1/jobs", #"{"handler": "sleep", "args": {"seconds": 1}, "unique_key": "u"}"#)
    }
    #expect(Set(try replies.map { try $0.json["id"].string }).count == 1)
    #expect(replies.count { $0.status == 202 } == 1 && replies.count { $0.status == 200 } == 19)
  }

  @Test("a run with a taken unique key waits for that job, and its own input is let go")
  func run() throws {
    let id = try server.submit("sleep", #"{"seconds": 1}"#, #""unique_key": "r""#)
    let reply = try server.post("/v1/run/sleep?unique_key=r&args.seconds=100")
    #expect(try reply.status == 200 && reply.json == .object(["seconds": 1]))
    #expect(reply["location"] == "/v1/jobs/\(id)")
    let blocker = try server.post("/v1/jobs?handler=sha256&unique_key=big&delay=1h", bytes: Array("x".utf8))
    let large = try server.post("/v1/jobs?handler=sha256&unique_key=big", bytes: Array(repeating: 1, count: 1 << 20))
    #expect(try large.status == 200 && large.json["id"] == blocker.json["id"])
    try eventually("no file is left of the input", see: { try server.spooledFiles() }) { $0.isEmpty }
    try server.cancel(try #require(blocker.json["id"].string))
  }
}
