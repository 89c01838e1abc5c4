import Glibc
import Testing

@Suite("What a 202 promises", .serialized)
struct DurabilityTests {
  @Test("no acknowledged job is lost when every process is killed right after the 202, five times over")
  func killedRightAfter() throws {
    let folder = try TestFolder()
    var acknowledged: [String] = []
    for round in 0..<5 {
      let server = try ServerProcess([], in: folder)
      let client = try server.client()
      for number in 0..<20 {
        let handler = number % 2 == 0 ? "noop" : "sleep"
        let args = number % 2 == 0 ? "{}" : #"{"seconds": 0.01}"#
        let body = #"{"handler": "\#(handler)", "args": \#(args), "metadata": {"round": \#(round)}}"#
        let reply = try client.exchange("POST", "/v1/jobs", body: Array(body.utf8))
        #expect(reply.status == 202)
        acknowledged.append(try #require(reply.json["id"].string))
      }
      server.killEverything()
      try server.ended()
      try server.checkThatNoProcessIsLeft()
    }
    #expect(Set(acknowledged).count == 100)
    try withServer(in: folder) { server in
      let client = try server.client()
      for (index, id) in acknowledged.enumerated() {
        let job = try client.exchange("GET", "/v1/jobs/\(id)?wait=60").json
        #expect(job["done"] == true && job["metadata"]["round"].int == index / 20)
        // An attempt may have been under way at any of the kills, and is repeated three times at the most.
        #expect(job["state"] == "succeeded" || job["attempts"].items.count > 3, "\(job)")
      }
    }
    try folder.remove()
  }

  @Test("a job that ran when every process was killed is run again, and its lost attempt is listed")
  func runningJob() throws {
    let folder = try TestFolder()
    let first = try ServerProcess([], in: folder)
    let running = [try first.runningSpin(), try first.submit("sleep", #"{"seconds": 600}"#)]
    try first.job(running[1], is: "running")
    let scheduled = try first.submit("noop", "{}", #""delay": "1h""#)
    let finished = try first.submit("count_primes", #"{"below": 1000}"#)
    let result = try first.end(of: finished)
    let failed = try first.submit("fail", #"{"message": "kept"}"#)
    let error = try first.end(of: failed)
    let large = try first.submit("mandelbrot", #"{"width": 400, "height": 300}"#)
    try first.end(of: large)
    let picture = try first.get("/v1/jobs/\(large)/result").body
    let deleted = try first.submit("noop")
    try first.end(of: deleted)
    #expect(try first.delete("/v1/jobs/\(deleted)").status == 204)
    first.killEverything()
    try first.ended()
    try first.checkThatNoProcessIsLeft()

    try withServer(in: folder) { server in
      for id in running {
        let job = try eventually(
          "the second attempt runs", see: { try server.job(id) },
          until: { $0["state"] == "running" && $0["attempt"] == 2 })
        #expect(job["attempts"][0]["error"]["type"] == "lost" && job["max_attempts"] == 1)
        #expect(!job["attempts"][0]["finished_at"].isNull && job["attempts"][1]["finished_at"].isNull)
        try server.cancel(id)
      }
      #expect(try server.job(scheduled)["state"] == "scheduled")
      #expect(try server.job(finished) == result)
      #expect(try server.job(failed) == error)
      #expect(try server.get("/v1/jobs/\(large)/result").body == picture)
      #expect(try server.get("/v1/jobs/\(deleted)").status == 410)
    }
    try folder.remove()
  }

  @Test("a job whose attempts are lost again and again ends as lost")
  func lostForGood() throws {
    let folder = try TestFolder()
    var id = ""
    for attempt in 1...3 {
      let server = try ServerProcess([], in: folder)
      if attempt == 1 { id = try server.submit("spin") }
      try eventually("attempt \(attempt) runs", see: { try server.job(id) }) {
        $0["state"] == "running" && $0["attempt"].int == attempt
      }
      server.killEverything()
      try server.ended()
      try server.checkThatNoProcessIsLeft()
    }
    try withServer(in: folder) { server in
      let job = try eventually(
        "it runs for the last time, or has ended", see: { try server.job(id) },
        until: { $0["done"] == true || $0["attempt"] == 4 })
      let lost = job["attempts"].items.filter { $0["error"]["type"] == "lost" }
      #expect(lost.count == 3, "\(job)")
      if job["done"] == true { #expect(job["error"]["type"] == "lost") } else { try server.cancel(id) }
    }
    try folder.remove()
  }

  @Test("a job with a body of its own is run after a restart, from the body that was sent")
  func storedBody() throws {
    let folder = try TestFolder()
    let body = [UInt8](repeating: 0x61, count: 3_000_000)
    let server = try ServerProcess([], in: folder)
    let blockers = try (0..<2).map { _ in try server.runningSpin(#""timeout": "1s""#) }
    let reply = try server.post("/v1/jobs?handler=sha256", bytes: body)
    #expect(reply.status == 202)
    let id = try #require(reply.json["id"].string)
    server.killEverything()
    try server.ended()
    try withServer(in: folder) { server in
      let job = try server.end(of: id)
      #expect(job["state"] == "succeeded" && job["result"]["bytes"] == 3_000_000)
      let again = try server.post("/v1/run/sha256", bytes: body)
      #expect(try again.json == job["result"])
      for blocker in blockers { try server.end(of: blocker) }
    }
    try folder.remove()
  }
}
