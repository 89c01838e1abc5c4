import Testing

@Suite("Cancelling and trying again", .serialized, .server())
struct CancelAndRetryTests {
  let server = ServerProcess.current

  @Test("a job in line that is cancelled never starts")
  func queued() throws {
    let blockers = [try server.runningSpin(), try server.runningSpin()]
    let id = try server.submit("count_primes", #"{"below": 100}"#)
    let reply = try server.post("/v1/jobs/\(id)/cancel")
    #expect(reply.status == 200)
    #expect(try reply.json["state"] == "cancelled" && reply.json["done"] == true)
    for blocker in blockers { try server.cancel(blocker) }
    // The next one goes through the line, so the cancelled one would have started by then.
    #expect(try server.end(of: server.submit("noop"))["state"] == "succeeded")
    let job = try server.job(id)
    #expect(job["state"] == "cancelled" && job["started_at"].isNull && job["attempt"] == 0)
    #expect(job["error"]["type"] == "cancelled" && job["attempts"].items.isEmpty)
  }

  @Test("a running job that looks for cancellation is stopped, and another worker takes the place")
  func running() throws {
    let id = try server.submit("spin", #"{"seconds": 600}"#)
    try server.job(id, is: "running")
    let reply = try server.post("/v1/jobs/\(id)/cancel")
    #expect(reply.status == 202)
    let job = try server.end(of: id)
    #expect(job["state"] == "cancelled" && job["error"]["type"] == "cancelled")
    try server.wholeTree()
  }

  @Test("a running job that is deaf to cancellation is killed, and another worker takes the place")
  func stubborn() throws {
    let id = try server.runningSpin()
    let worker = try server.worker(of: id)
    let reply = try server.post("/v1/jobs/\(id)/cancel")
    #expect(reply.status == 202)
    #expect(try reply.json["done"] == false)
    let job = try server.end(of: id)
    #expect(job["state"] == "cancelled" && job["error"]["type"] == "cancelled")
    try eventually("its worker is gone") { !ProcessTable.isAlive(worker.pid) }
    try server.wholeTree()
  }

  @Test("a sleeping task is cancelled at once")
  func task() throws {
    let id = try server.submit("sleep", #"{"seconds": 600}"#)
    try server.job(id, is: "running")
    _ = try server.post("/v1/jobs/\(id)/cancel")
    #expect(try server.end(of: id, within: .seconds(10))["state"] == "cancelled")
  }

  @Test("a job that waits for its time is cancelled at once")
  func scheduled() throws {
    let id = try server.submit("noop", "{}", #""delay": "1h""#)
    let reply = try server.post("/v1/jobs/\(id)/cancel")
    #expect(try reply.status == 200 && reply.json["state"] == "cancelled")
  }

  @Test("a job that has ended cannot be cancelled: 409")
  func ended() throws {
    let id = try server.submit("noop")
    try server.end(of: id)
    let reply = try server.post("/v1/jobs/\(id)/cancel")
    #expect(reply.status == 409 && reply.isProblem)
    #expect(try server.job(id)["state"] == "succeeded")
  }

  @Test("a failed job that is tried again runs once more, and both attempts are listed")
  func retried() throws {
    let id = try server.submit("fail", #"{"message": "again"}"#)
    try server.end(of: id)
    let reply = try server.post("/v1/jobs/\(id)/retry")
    #expect(reply.status == 202 && reply["location"] == "/v1/jobs/\(id)")
    #expect(try reply.json["state"] == "queued" && reply.json["error"].isNull)
    let job = try eventually(
      "the second attempt has ended", see: { try server.job(id) }, until: { $0["attempt"] == 2 && $0["done"] == true })
    #expect(job["state"] == "failed" && job["max_attempts"] == 2)
    #expect(job["attempts"].items.map { $0["attempt"] } == [1, 2])
    #expect(job["attempts"].items.allSatisfy { $0["error"]["message"] == "again" && !$0["finished_at"].isNull })
  }

  @Test("a cancelled job can be tried again, a succeeded or waiting one cannot: 409")
  func retriable() throws {
    let cancelled = try server.submit("noop", "{}", #""delay": "1h""#)
    #expect(try server.post("/v1/jobs/\(cancelled)/retry").status == 409)
    try server.cancel(cancelled)
    #expect(try server.post("/v1/jobs/\(cancelled)/retry").status == 202)
    #expect(try server.end(of: cancelled)["state"] == "succeeded")
    let again = try server.post("/v1/jobs/\(cancelled)/retry")
    #expect(again.status == 409 && again.isProblem)
  }
}
