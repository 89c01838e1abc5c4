import Foundation
import Glibc
import Testing

@Suite("Batches: all or nothing", .serialized)
struct BatchDurabilityTests {
  @Test("killed amid its submission, a batch is there as a whole or not at all, and leaves no file")
  func killedWhileSubmitting() throws {
    let folder = try TestFolder()
    let count = 30_000
    // Large enough to be written before its end has come.
    let line = "{" + String(repeating: " ", count: 30) + "}\n"
    let body = Array(String(repeating: line, count: count).utf8)
    var acknowledged: Set<String> = []
    for round in 0..<6 {
      let server = try ServerProcess(["--max-queued", "1000000"], in: folder)
      let client = try server.client()
      let head =
        "POST /v1/batches?handler=noop&delay=1h HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.count)\r\n\r\n"
      switch round % 3 {
      case 0:
        // Amid the body, of which a part is on the disk.
        try client.send(Array(head.utf8) + body.dropLast())
        try eventually("the body is on its way to the disk") { try !spoolFiles(folder).isEmpty }
      case 1:
        // The body is there, and the answer is not awaited.
        try client.send(Array(head.utf8) + body)
      default:
        try client.send(Array(head.utf8) + body)
        let reply = try client.reply()
        #expect(reply.status == 202)
        acknowledged.insert(try #require(try reply.json["id"].string))
      }
      server.killEverything()
      try server.ended()
      try server.checkThatNoProcessIsLeft()
    }
    try withServer(in: folder) { server in
      let batches = try server.get("/v1/batches").json["batches"].items
      let ids = batches.compactMap { $0["id"].string }
      #expect(acknowledged.isSubset(of: ids) && acknowledged.count == 2 && ids.count <= 4)
      for id in ids {
        #expect(try server.batch(id)["total"].int == count)
        _ = try server.post("/v1/batches/\(id)/cancel")
        #expect(try server.endOfBatch(id)["counts"]["cancelled"].int == count)
        let indexes = try server.results(id, "?order=submitted").all().compactMap { $0["index"].int }
        #expect(indexes == Array(0..<count))
      }
      // A file goes after the row that named it.
      try eventually("no file is left", see: { try spoolFiles(folder) }, until: \.isEmpty)
    }
    try folder.remove()
  }

  @Test("killed amid its run, it goes on, and a reader goes on behind its cursor")
  func killedWhileRunning() throws {
    let folder = try TestFolder()
    let count = 2000
    let first = try ServerProcess([], in: folder)
    let id = try first.submitBatch("sleep", (0..<count).map { "{\"seconds\": 0.\($0 % 10)}" })
    let reader = try first.results(id)
    var (indexes, cursor): ([Int], Int) = ([], 0)
    for _ in 0..<300 {
      let line = try #require(try reader.next())
      indexes.append(try #require(line["index"].int))
      cursor = try #require(line["cursor"].int)
    }
    first.killEverything()
    try first.ended()
    try first.checkThatNoProcessIsLeft()
    try withServer(in: folder) { server in
      indexes += try server.results(id, "?after=\(cursor)").all().compactMap { $0["index"].int }
      #expect(indexes.sorted() == Array(0..<count), "each input has one line over both lives")
      let done = try server.batch(id)
      #expect(done["done"] == true && done["counts"]["succeeded"].int == count)
    }
    try folder.remove()
  }

  @Test("another acceptor goes on with the inputs of one that was killed, and with its cancelling")
  func killedAcceptor() throws {
    try withServer { server in
      let tree = try server.wholeTree()
      let lines = Array(repeating: "{}", count: 20_000)
      let ids = try (0..<3).map { _ in try server.submitBatch("spin", lines) }
      #expect(try !spoolFiles(server.folder).isEmpty, "not all of them are rows before the first is killed")
      // Whichever took them: each in turn.
      for acceptor in tree.acceptors {
        kill(acceptor.pid, SIGKILL)
        try eventually("there are two again", see: { try? server.tree() }) { seen in
          seen?.isWhole(acceptors: 2, workers: 2) == true && seen?.pids.contains(acceptor.pid) == false
        }
      }
      let client = try server.client()
      try client.send("POST /v1/batches/\(ids[0])/cancel HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
      let begun = try eventually("cancelling has begun", see: { try server.batch(ids[0]) }) {
        $0["counts"]["cancelled"].int ?? 0 > 0
      }
      #expect(begun["done"] == false)
      for acceptor in try server.tree().acceptors { kill(acceptor.pid, SIGKILL) }
      try server.wholeTree()
      for id in ids.dropFirst() { _ = try server.post("/v1/batches/\(id)/cancel") }
      for id in ids {
        let done = try eventually("batch \(id) is done", see: { try? server.batch(id) }) { $0?["done"] == true }
        #expect(done?["counts"]["cancelled"].int == 20_000, "\(String(describing: done))")
      }
    }
  }

  @Test("a reader that takes nothing costs no memory, and loses nothing")
  func slowReader() throws {
    try withServer { server in
      let text = "\"\(String(repeating: "x", count: 60_000))\""
      let id = try server.submitBatch("echo", Array(repeating: text, count: 600))
      try server.endOfBatch(id)
      func resident() throws -> Int {
        try server.tree().acceptors.compactMap { ProcessTable.residentBytes($0.pid) }.reduce(0, +)
      }
      let before = try resident()
      let readers = try (0..<8).map { _ in try server.results(id) }
      for reader in readers { _ = try #require(try reader.next()) }
      #expect(try resident() - before < 8 * 2 << 20, "8 readers of 36 MB")
      #expect(try readers[0].all().count == 599)
    }
  }

  @Test("100,000 inputs: others are served meanwhile, and no process grows")
  func many() throws {
    try withServer { server in
      let count = 100_000
      let over = Flag()
      let longest = try concurrently(2) { part -> Duration in
        if part == 1 {
          defer { over.set() }
          let id = try server.submitBatch("noop", Array(repeating: "{}", count: count), "&delay=1h")
          try eventually("all are rows", within: .seconds(300), see: { try server.get("/v1/jobs?batch=\(id)&limit=1") })
          {
            try $0.json["jobs"][0]["args"] != .null && spoolFiles(server.folder).isEmpty
          }
          #expect(try server.batch(id)["counts"]["scheduled"].int == count)
          return .zero
        }
        let client = try server.client()
        var longest = Duration.zero
        while !over.isSet {
          let body = Array(#"{"handler": "sleep", "args": {"seconds": 0}}"#.utf8)
          let began = ContinuousClock.now
          let reply = try client.exchange("POST", "/v1/jobs", body: body)
          longest = max(longest, ContinuousClock.now - began)
          #expect(reply.status == 202)
        }
        return longest
      }
      // Far more than it takes on a machine that has nothing else to do.
      #expect(longest[0] < .seconds(5), "the longest that another client waited: \(longest[0])")
      for pid in try server.tree().pids {
        #expect(try #require(ProcessTable.peakResidentBytes(pid)) < 150 << 20)
      }
      let second = try server.post(
        "/v1/batches?handler=noop", bytes: Array(String(repeating: "{}\n", count: 100_001).utf8))
      #expect(second.status == 422)
    }
  }

  @Test("the line's limit holds for batches: 503 for now, 422 for ever")
  func backpressure() throws {
    try withServer(["--max-queued", "100"]) { server in
      #expect(try server.post("/v1/batches?handler=spin", bytes: lines(101)).status == 422)
      #expect(try server.post("/v1/batches?handler=spin", bytes: lines(60)).status == 202)
      let refused = try server.post("/v1/batches?handler=spin", bytes: lines(60))
      #expect(refused.status == 503 && refused["retry-after"] != nil)
      #expect(try server.post("/v1/batches?handler=spin", bytes: lines(20)).status == 202)
    }
  }

  private func lines(_ count: Int) -> [UInt8] { Array(String(repeating: "{}\n", count: count).utf8) }
}

/// What lies in the spool folder of a server in that folder.
private func spoolFiles(_ folder: TestFolder) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: folder.file("jobs.sqlite.spool"))
}
