import Foundation
import Testing

@Suite("Idempotency keys", .serialized, .server())
struct IdempotencyTests {
  let server = ServerProcess.current

  private func post(_ key: String, _ body: String, to target: String = "/v1/jobs") throws -> HTTPReply {
    try server.post(target, body, "Idempotency-Key: \(key)")
  }

  private func newKey() -> String { UUID().uuidString }

  @Test("the same request with the same key gets the first reply again, and no second job")
  func repeated() throws {
    let (key, body) = (newKey(), #"{"handler": "noop", "args": {}, "metadata": {"n": 1}}"#)
    let first = try post(key, body)
    let id = try #require(first.json["id"].string)
    #expect(first.status == 202)
    try server.end(of: id)
    for spelling in [key, "\"\(key)\""] {
      let again = try post(spelling, body)
      #expect(again.status == 202 && again.body == first.body && again["location"] == first["location"])
    }
    let jobs = try server.get("/v1/jobs?handler=noop").json["jobs"].items
    #expect(jobs.count { $0["id"].string == id } == 1 && jobs.count { $0["metadata"] == .object(["n": 1]) } == 1)
    // The reply is remembered when the job is not.
    #expect(try server.delete("/v1/jobs/\(id)").status == 204)
    #expect(try post(key, body).body == first.body)
  }

  @Test("another request with the same key is 422, and makes nothing")
  func anotherRequest() throws {
    let key = newKey()
    #expect(try post(key, #"{"handler": "noop"}"#).status == 202)
    for (body, target) in [
      (#"{"handler": "noop" }"#, "/v1/jobs"), (#"{"handler": "noop"}"#, "/v1/jobs?wait=1"), ("{}", "/v1/run/noop"),
    ] {
      let reply = try post(key, body, to: target)
      #expect(reply.status == 422 && reply.isProblem, "\(reply)")
      // No place in the body is at fault, so none is pointed at.
      #expect(try reply.detail == "the Idempotency-Key was used for another request" && reply.json["errors"].isNull)
    }
  }

  @Test("a refused request is not remembered")
  func refused() throws {
    let key = newKey()
    #expect(try post(key, #"{"handler": "count_primes"}"#).status == 422)
    #expect(try post(key, #"{"handler": "count_primes", "args": {"below": 10}}"#).status == 202)
  }

  @Test(
    "a malformed key is 400",
    arguments: [
      "", #""""#, #""open"#, #""a"b"#, #""a\b""#, "\u{e9}", String(repeating: "k", count: 256),
      "\"" + String(repeating: "k", count: 256) + "\"",
    ])
  func malformed(_ key: String) throws {
    let reply = try post(key, #"{"handler": "noop"}"#)
    #expect(reply.status == 400 && reply.isProblem, "\(reply)")
  }

  @Test("the longest key is taken")
  func longest() throws {
    let key = "\"" + String(repeating: "k", count: 255) + "\""
    let ids = try (0..<2).map { _ in try post(key, #"{"handler": "noop"}"#).json["id"] }
    #expect(ids[0] == ids[1])
  }

  @Test("50 posts with one key at once make one job, whichever acceptors they meet")
  func atOnce() throws {
    let key = newKey()
    let replies = try concurrently(50) { _ in try post(key, #"{"handler": "noop", "metadata": {"at": "once"}}"#) }
    let taken = replies.filter { $0.status == 202 }
    #expect(replies.allSatisfy { $0.status == 202 || $0.status == 409 } && !taken.isEmpty)
    #expect(Set(taken.map(\.body)).count == 1)
    let jobs = try server.get("/v1/jobs?limit=200").json["jobs"].items
    #expect(jobs.count { $0["metadata"] == .object(["at": "once"]) } == 1)
  }

  @Test("while the first waits for its job the second is 409, and afterwards it gets the same result")
  func beingHandled() throws {
    for target in ["/v1/run/sleep", "/v1/jobs?handler=sleep&wait=30"] {
      let key = newKey()
      let (ended, seen) = (Flag(), Flag())
      let replies = try concurrently(2) { number in
        if number == 0 {
          defer { ended.set() }
          return try post(key, #"{"seconds": 1}"#, to: target)
        }
        let early = try eventually("the first is under way", see: { try post(key, #"{"seconds": 1}"#, to: target) }) {
          $0.status == 409 || ended.isSet
        }
        if early.status == 409 { seen.set() }
        return early
      }
      // The two may have changed places: one waited, and the other was refused meanwhile or came later.
      #expect(replies.contains { $0.status == 200 }, "\(replies)")
      if seen.isSet { #expect(replies[1].isProblem && replies[1]["retry-after"] != nil) }
      let first = try #require(replies.first { $0.status == 200 })
      let again = try eventually("the reply is given again", see: { try post(key, #"{"seconds": 1}"#, to: target) }) {
        $0.status != 409
      }
      #expect(again.status == 200 && again["location"] == first["location"] && again.body == first.body)
    }
  }

  @Test("a large body counts to its last byte, and that of a repeated request is let go")
  func largeBody() throws {
    let key = newKey()
    var bytes = [UInt8](repeating: 7, count: 3 << 20)
    func send() throws -> HTTPReply { try server.post("/v1/run/sha256", bytes: bytes, "Idempotency-Key: \(key)") }
    let first = try send()
    #expect(first.status == 200)
    let files = try server.spooledFiles()
    let again = try eventually("the reply is given again", see: send) { $0.status != 409 }
    #expect(again.status == 200 && again.body == first.body && again["location"] == first["location"])
    bytes[bytes.count - 1] = 8
    #expect(try send().status == 422)
    try eventually("no further file is left", see: { try server.spooledFiles() }) { $0 == files }
  }

  @Test("a key outlives the death of every process, and what was being handled then is not any more")
  func acrossRestarts() throws {
    let folder = try TestFolder()
    let (key, waiting, body) = (newKey(), newKey(), #"{"handler": "noop", "delay": "1h"}"#)
    let first = try ServerProcess([], in: folder)
    let reply = try first.post("/v1/jobs", body, "Idempotency-Key: \(key)")
    let client = try first.client()
    let request = "POST /v1/run/spin?timeout=600s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n"
    try client.send(request + "Idempotency-Key: \(waiting)\r\n\r\n")
    let running = try eventually(
      "it runs", see: { try first.get("/v1/jobs?handler=spin&state=running").json["jobs"].items },
      until: { !$0.isEmpty })
    let id = try #require(running[0]["id"].string)
    first.killEverything()
    try first.ended()
    try first.checkThatNoProcessIsLeft()
    try withServer(in: folder) { server in
      let again = try server.post("/v1/jobs", body, "Idempotency-Key: \(key)")
      #expect(again.status == 202 && again.body == reply.body)
      let same = try server.client()
      try same.send(request + "Idempotency-Key: \(waiting)\r\n\r\n")
      try server.cancel(id)
      #expect(try same.reply()["location"] == "/v1/jobs/\(id)")
    }
    try folder.remove()
  }
}
