import Testing

@Suite("Server-Sent Events", .serialized, .server("--acceptors", "2", "--workers", "2"))
struct EventTests {
  let server = ServerProcess.current

  private func states(_ events: [EventStream.Event]) throws -> [String] {
    try events.filter { $0.name == "state" }.map { try $0.json["state"].string ?? "" }
  }

  @Test("a job's stream begins with its present state, tells each change and each progress, and ends with the job")
  func oneJob() throws {
    let id = try server.submit("count_primes", #"{"below": 300000000}"#, #""delay": "300ms""#)
    let stream = try EventStream(server, "/v1/jobs/\(id)/events")
    #expect(stream.reply.status == 200 && stream.reply["content-type"] == "text/event-stream")
    let events = try stream.rest()
    #expect(try states(events) == ["scheduled", "queued", "running", "succeeded"])
    #expect(try events.allSatisfy { try $0.json["id"].string == id && !$0.id.isEmpty })
    let progress = try events.filter { $0.name == "progress" }.compactMap { try $0.json["completed"].int }
    #expect(!progress.isEmpty && progress == progress.sorted())
    #expect(try events.last?.json["done"] == true && events.last?.json["attempt"] == 1)
  }

  @Test("a job that has ended tells its end and no more")
  func ended() throws {
    let id = try server.submit("noop")
    try server.end(of: id)
    #expect(try states(EventStream(server, "/v1/jobs/\(id)/events").rest()) == ["succeeded"])
  }

  @Test("a client that asks again with the last id it saw gets what came after, from any acceptor, and then no more")
  func resume() throws {
    let id = try server.submit("sleep", #"{"seconds": 600}"#)
    try server.job(id, is: "running")
    let first = try #require(try EventStream(server, "/v1/jobs/\(id)/events").next())
    #expect(try first.json["state"] == "running")
    try server.cancel(id)
    for _ in 0..<8 {
      // Each is a connection of its own, so both acceptors are asked.
      let missed = try EventStream(server, "/v1/jobs/\(id)/events", after: first.id).rest()
      #expect(try states(missed) == ["cancelled"])
      let over = try EventStream(server, "/v1/jobs/\(id)/events", after: try #require(missed.last).id)
      #expect(over.reply.status == 204)
    }
  }

  @Test("the stream of everything tells of jobs of every acceptor, in each job's order, and goes on from an id")
  func everything() throws {
    let stream = try EventStream(server, "/v1/events")
    let first = try (0..<20).map { _ in try server.submit("noop") }
    var open = Set(first)
    let events = try stream.events { event in
      if try event.json["done"] == true { open.remove(try event.json["id"].string ?? "") }
      return open.isEmpty
    }
    for id in first {
      let mine = try states(events.filter { try $0.json["id"].string == id })
      #expect(mine == ["queued", "running", "succeeded"] || mine == ["running", "succeeded"], "\(mine)")
    }
    let second = try server.submit("noop")
    try server.end(of: second)
    let later = try EventStream(server, "/v1/events", after: try #require(events.last).id)
      .events { try $0.json["id"].string == second && $0.json["done"] == true }
    #expect(try later.allSatisfy { try $0.json["id"].string == second })
  }

  @Test("an id of another server is told as events that were missed, and nonsense is refused")
  func strangers() throws {
    let stream = try EventStream(server, "/v1/events", after: "abc-1")
    #expect(try stream.next()?.name == "missed")
    let id = try server.submit("noop")
    try server.end(of: id)
    #expect(try states(EventStream(server, "/v1/jobs/\(id)/events", after: "abc-1").rest()) == ["succeeded"])
    for text in ["abc", "1-2-3", "-", "!-!", "abc-99999999999999999999999"] {
      #expect(try server.get("/v1/events", "Last-Event-ID: \(text)").status == 400, "\(text)")
    }
  }

  @Test("jobs that are not there have no events: 404 and 410")
  func missing() throws {
    #expect(try server.get("/v1/jobs/01a20307-6b74-7000-a298-374df1a3898b/events").status == 404)
    let id = try server.submit("noop")
    try server.end(of: id)
    _ = try server.delete("/v1/jobs/\(id)")
    #expect(try server.get("/v1/jobs/\(id)/events").status == 410)
    #expect(try server.head("/v1/jobs/\(server.submit("noop"))/events").status == 200)
  }

  @Test("a thousand clients watch at once, and each sees every end")
  func manyWatchers() throws {
    let watchers = try (0..<1000).map { _ in try EventStream(server, "/v1/events") }
    let id = try server.submit("noop")
    for watcher in watchers {
      _ = try watcher.events { try $0.json["id"].string == id && $0.json["done"] == true }
    }
  }

  @Test("clients that read nothing harm nobody, cost little, and see whole events or the end of their stream")
  func slowReaders() throws {
    let slow = try (0..<8).map { _ in try EventStream(server, "/v1/events", receiveBufferBytes: 16 * 1024) }
    let quick = try EventStream(server, "/v1/events")
    let before = try acceptorsMemory()
    // Some three events each: more than the ring holds.
    let client = try server.client()
    let body = Array(#"{"handler": "noop"}"#.utf8)
    var last = ""
    for _ in 0..<3500 {
      let reply = try client.exchange("POST", "/v1/jobs", headers: ["Content-Type: application/json"], body: body)
      last = try reply.json["id"].string ?? ""
    }
    _ = try quick.events { try $0.json["id"].string == last && $0.json["done"] == true }
    #expect(try acceptorsMemory() < before + (32 << 20))
    for stream in slow.prefix(2) {
      // Whole, as JSON, each after the one before; what is missing is missing at a break that the client notices.
      var numbers: [Int] = []
      while let event = try stream.next() {
        let json = try event.json
        numbers.append(try #require(Int(event.id.drop { $0 != "-" }.dropFirst(), radix: 36)))
        if json["id"].string == last && json["done"] == true { break }
      }
      #expect(numbers == Array(Set(numbers)).sorted())
    }
  }

  private func acceptorsMemory() throws -> Int {
    try server.tree().acceptors.reduce(0) { $0 + (ProcessTable.residentBytes($1.pid) ?? 0) }
  }
}
