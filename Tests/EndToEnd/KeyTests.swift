import Glibc
import Testing

@Suite("Keys", .serialized, .server("--key-limit", "2", "--workers", "4"))
struct KeyTests {
  let server = ServerProcess.current

  private func interval(_ job: JSON) throws -> (start: Double, end: Double) {
    (try #require(job["started_at"].seconds), try #require(job["finished_at"].seconds))
  }

  @Test("no more jobs of one key run at once than may, over all acceptors, and other jobs pass them by")
  func limit() throws {
    let ids = try concurrently(4) { number in
      let client = try server.client()
      return try (0..<4).map { _ in
        let handler = number % 2 == 0 ? "sleep" : "spin"
        let body = #"{"handler": "\#(handler)", "args": {"seconds": 0.15}, "key": "one"}"#
        return try #require(client.exchange("POST", "/v1/jobs", body: Array(body.utf8)).json["id"].string)
      }
    }.flatMap { $0 }
    let others = try (0..<4).map { try server.submit("spin", #"{"seconds": 0.05}"#, #""key": "other\#($0)""#) }
    let ends = try others.map { try interval(server.end(of: $0)).end }
    let intervals = try ids.map { try interval(server.end(of: $0)) }
    for moment in intervals.map(\.start) {
      let running = intervals.count { $0.start <= moment && moment < $0.end }
      #expect(running <= 2, "\(running) ran at once")
    }
    // They were submitted last and did not wait for sixteen others, two at a time.
    #expect(ends.max()! < intervals.map(\.end).max()!)
  }

  @Test("a job that waits for its key says so, and starts when one of it ends")
  func waits() throws {
    let running = try (0..<2).map { _ in try server.runningSpin(#""key": "w""#) }
    let waiting = try (0..<2).map { _ in try server.submit("noop", "{}", #""key": "w""#) }
    #expect(try server.post("/v1/jobs?wait=30", #"{"handler": "noop"}"#).json["state"] == "succeeded")
    let explained = try waiting.map { try server.get("/v1/jobs/\($0)/explain").json }
    #expect(explained.allSatisfy { $0["reason"] == "key_limit" && $0["state"] == "queued" }, "\(explained)")
    #expect(explained.map { $0["position"] } == [1, 2])
    #expect(try server.get("/v1/jobs?state=queued").json["jobs"].items.count == 2)
    try server.cancel(running[0])
    for id in waiting { #expect(try server.end(of: id)["state"] == "succeeded") }
    try server.cancel(running[1])
  }

  @Test("when the acceptors of a key's running jobs are killed, the key is not blocked")
  func killed() throws {
    try withServer(["--key-limit", "1"]) { server in
      let first = try server.runningSpin(#""key": "k""#)
      let second = try server.submit("noop", "{}", #""key": "k""#)
      for acceptor in try server.wholeTree().acceptors { kill(acceptor.pid, SIGKILL) }
      try server.wholeTree()
      // It is rescued, and is the first again.
      let again = try eventually("the second attempt runs", see: { try server.job(first) }) {
        $0["state"] == "running" && $0["attempt"] == 2
      }
      #expect(again["attempts"][0]["error"]["type"] == "lost")
      #expect(try server.job(second)["state"] == "queued")
      try server.cancel(first)
      #expect(try server.end(of: second)["state"] == "succeeded")
    }
  }

  @Test("a handler's own limit goes over the server's, and a reload raises it for those that wait")
  func configured() throws {
    let folder = try TestFolder()
    let path = try folder.write("handlers:\n  spin: { key_limit: 1 }\n", to: "millrace.yaml")
    try withServer(["--config", path, "--key-limit", "5", "--workers", "4"], in: folder) { server in
      #expect(try server.get("/v1/handlers/spin").json["key_limit"] == 1)
      #expect(try server.get("/v1/handlers/noop").json["key_limit"] == 5)
      let ids = try (0..<3).map { _ in try server.submit("spin", "{}", #""key": "k""#) }
      try server.job(ids[0], is: "running")
      #expect(try server.post("/v1/jobs?wait=30", #"{"handler": "noop", "key": "k"}"#).json["state"] == "succeeded")
      for id in ids[1...] { #expect(try server.get("/v1/jobs/\(id)/explain").json["reason"] == "key_limit") }
      _ = try folder.write("handlers:\n  spin: { key_limit: 0 }\n", to: "millrace.yaml")
      server.signal(SIGHUP)
      for id in ids[1...] { try server.job(id, is: "running") }
      // The first acceptor of the new generation starts them, and the earlier ones answer until all of it are ready.
      try eventually("the new generation alone answers") {
        try (0..<4).allSatisfy { _ in try server.get("/v1/handlers/spin").json["key_limit"].isNull }
      }
      for id in ids { try server.cancel(id) }
    }
    try folder.remove()
  }
}
