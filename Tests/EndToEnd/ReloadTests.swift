import Glibc
import Testing

@Suite("HUP: a new configuration", .serialized)
struct ReloadTests {
  @Test("a batch goes on becoming jobs while the acceptor that took it waits for its last job")
  func batch() throws {
    let inputs = 60_000
    try withServer(["--acceptors", "1", "--drain-timeout", "10m"]) { server in
      let old = try server.wholeTree(acceptors: 1).acceptors.map(\.pid)
      let running = try server.submit("sleep", #"{"seconds": 600}"#)
      try server.job(running, is: "running")
      #expect(try server.post("/v1/queues/night/pause").status == 200)
      _ = try server.submitBatch("noop", Array(repeating: "{}", count: inputs), "&queue=night")
      server.signal(SIGHUP)
      try eventually("all inputs are jobs") { try server.get("/v1/queues/night").json["depth"].int == inputs }
      let acceptors = try eventually("the new generation serves", see: { try server.tree().acceptors.map(\.pid) }) {
        $0.count == 2
      }
      #expect(Set(acceptors).isSuperset(of: old))
      try server.cancel(running)
    }
  }

  @Test("a changed file takes effect in a new generation, and no request is dropped meanwhile")
  func reload() throws {
    let folder = try TestFolder()
    let config = try folder.write("handlers:\n  spin: { timeout: 300s }\n", to: "millrace.yaml")
    try withServer(["--config", config], in: folder) { server in
      let before = try server.wholeTree()
      #expect(try server.get("/v1/handlers/spin").json["timeout"] == "5m")
      let running = try server.submit("spin", #"{"seconds": 1}"#)
      try server.job(running, is: "running")
      let id = try server.submit("noop")
      try server.end(of: id)
      let isOver = Flag()
      let counts = try concurrently(3) { poller in
        if poller == 2 {
          try folder.write("handlers:\n  spin: { timeout: 7s }\n", to: "millrace.yaml")
          server.signal(SIGHUP)
          _ = try? eventually("the new generation alone serves") {
            let tree = try server.tree()
            let isNew = Set(tree.pids).isDisjoint(with: before.acceptors.map(\.pid))
            return isNew && tree.isWhole(acceptors: 2, workers: 2)
          }
          isOver.set()
          return 0
        }
        return try Self.poll(id, at: server, until: isOver, keepingAlive: poller == 0)
      }
      #expect(counts[0] > 0 && counts[1] > 0)
      #expect(try server.get("/v1/handlers/spin").json["timeout"] == "7s")
      let tree = try server.wholeTree()
      #expect(Set(tree.pids).isDisjoint(with: before.acceptors.map(\.pid)) && tree.master == before.master)
      let job = try server.end(of: running)
      #expect(job["state"] == "succeeded" && job["attempt"] == 1)
    }
    try folder.remove()
  }

  /// Polls until it is over; every request must be answered. A connection that its server has announced to close is
  /// opened again, and so is one that ended while it was idle: its request is sent once more (RFC 9112, section 9.3.1).
  private static func poll(
    _ id: String, at server: ServerProcess, until isOver: Flag, keepingAlive: Bool
  ) throws -> Int {
    var count = 0
    var client: HTTPClient?
    while !isOver.isSet {
      let connection = try client ?? server.client()
      do {
        let reply = try connection.exchange("GET", "/v1/jobs/\(id)")
        #expect(reply.status == 200)
        client = keepingAlive && reply["connection"] != "close" ? connection : nil
        count += 1
      } catch HTTPClient.Failure.ended where client != nil {
        client = nil
      }
    }
    return count
  }

  @Test("a bad file keeps the old configuration, and the log says where the mistake is")
  func badFile() throws {
    let folder = try TestFolder()
    let config = try folder.write("max_queued: 5000\n", to: "millrace.yaml")
    try withServer(["--config", config], in: folder) { server in
      let before = try server.wholeTree()
      for (text, complaint) in [
        ("max_queued: 5000\nmax_queud: 1\n", "millrace.yaml:2: max_queud"), ("max_queued: [\n", "is not YAML"),
        ("max_queued: many\n", "millrace.yaml:1: max_queued"),
      ] {
        try folder.write(text, to: "millrace.yaml")
        server.signal(SIGHUP)
        try eventually("the log says what is wrong", see: { server.log }) { $0.contains(complaint) }
      }
      #expect(try server.get("/v1").json["limits"]["queued"] == 5000)
      #expect(try server.wholeTree().pids == before.pids)
      try folder.write("max_queued: 6000\n", to: "millrace.yaml")
      server.signal(SIGHUP)
      try eventually("a good file is taken again") {
        (try? server.get("/v1").json["limits"]["queued"]) == 6000
      }
    }
    try folder.remove()
  }
}
