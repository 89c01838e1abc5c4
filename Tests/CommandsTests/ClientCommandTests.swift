import Foundation
import Glibc
import Testing

@testable import Commands

@Suite("Client commands")
struct ClientCommandTests {
  private static func job(_ state: String, id: String = "j1", _ more: String = "") -> String {
    let done = ["succeeded", "failed", "cancelled"].contains(state)
    return #"{"id": "\#(id)", "handler": "sleep", "state": "\#(state)", "done": \#(done)\#(more)}"#
  }

  @Test("submit sends a document and prints the id")
  func submit() throws {
    let ran = try Ran(["submit", "sleep", "seconds=1.50", "--priority", "-5"]) { _, _ in
      .json(Self.job("queued"), status: 202)
    }
    #expect(ran.status == 0)
    #expect(ran.text == "j1\n")
    #expect(ran.errors == "")
    let request = try #require(ran.requests.first)
    #expect(request.method == "POST" && request.target == "/v1/jobs")
    #expect(request.headers["content-type"] == "application/json")
    #expect(
      String(decoding: request.body, as: UTF8.self) == #"{"handler":"sleep","args":{"seconds":1.50},"priority":-5}"#)
  }

  @Test("submit sends queue and keys with the job, and the idempotency key as a header")
  func submitKeys() throws {
    let words = ["--queue", "q", "--key", "k", "--unique-key", "u", "--idempotency-key", #"a "b" \c"#]
    let ran = try Ran(["submit", "sleep"] + words) { _, _ in .json(Self.job("queued"), status: 200) }
    #expect(ran.status == 0)
    let request = try #require(ran.requests.first)
    let body = #"{"handler":"sleep","queue":"q","key":"k","unique_key":"u"}"#
    #expect(String(decoding: request.body, as: UTF8.self) == body)
    #expect(request.headers["idempotency-key"] == #""a \"b\" \\c""#)
    for bad in ["", "\u{e9}", String(repeating: "x", count: 256)] {
      #expect(Ran(["submit", "sleep", "--idempotency-key", bad]).status == 64)
    }
  }

  @Test("queues prints a table over all pages, and pauses and resumes one")
  func queues() throws {
    @Sendable func queue(_ name: String, paused: Bool = false) -> String {
      #"{"name": "\#(name)", "paused": \#(paused), "depth": 3, "scheduled": 2, "running": 1, "#
        + #""oldest_waiting_ms": 1500.5}"#
    }
    let listed = try Ran(["queues"]) { _, number in
      .json(#"{"queues": [\#(queue("q\(number)"))], "next_cursor": \#(number == 0 ? "\"q0\"" : "null")}"#)
    }
    #expect(listed.requests.map(\.target) == ["/v1/queues", "/v1/queues?cursor=q0"])
    let lines = listed.text.split(separator: "\n")
    #expect(lines.count == 3 && lines[2] == "q1    open   3        2          1        1 s")
    let paused = try Ran(["queues", "pause", "a b"]) { _, _ in .json(queue("a b", paused: true)) }
    #expect(paused.requests.map(\.target) == ["/v1/queues/a%20b/pause"] && paused.requests[0].method == "POST")
    #expect(paused.text.contains("paused"))
    #expect(Ran(["queues", "pause"]).status == 64)
    #expect(Ran(["queues", "stop", "q"]).status == 64)
  }

  @Test("explain says in words why a job is where it is")
  func explain() throws {
    let body = #"{"state": "queued", "reason": "key_limit", "position": 2, "detail": "so it is"}"#
    let ran = try Ran(["explain", "j1"]) { _, _ in .json(body) }
    #expect(ran.requests.map(\.target) == ["/v1/jobs/j1/explain"])
    #expect(ran.text == "queued: so it is\nplace in line: 2\n")
    #expect(try Ran(["explain", "j1", "--json"]) { _, _ in .json(body) }.text == body + "\n")
    #expect(try Ran(["explain", "j1"]) { _, _ in .json("{}", status: 404) }.status == 6)
  }

  @Test("with --json the server's bytes come out as they are")
  func submitJSON() throws {
    let body = Self.job("queued", #", "n":  12345678901234567890.10"#)
    let ran = try Ran(["submit", "sleep", "--json"]) { _, _ in .json(body, status: 202) }
    #expect(ran.text == body + "\n")
  }

  @Test("submit --wait prints the bare result, byte for byte")
  func submitAndWait() throws {
    let bytes: [UInt8] = [0x89, 0, 0xff, 10]
    let ran = try Ran(["submit", "mandelbrot", "--wait"]) { request, number in
      switch number {
      case 0: .json(Self.job("queued"), status: 202)
      case 1: .json(Self.job("running"))
      case 2: .json(Self.job("succeeded"))
      default: .init(headers: ["Content-Type: image/png"], body: bytes)
      }
    }
    #expect(ran.status == 0)
    #expect(ran.output == bytes)
    let poll = "/v1/jobs/j1?wait=30"
    #expect(ran.requests.map(\.target) == ["/v1/jobs", poll, poll, "/v1/jobs/j1/result"])
  }

  @Test(
    "how the job ended is the exit status",
    arguments: [
      (
        "failed", #", "error": {"type": "crashed", "message": "gone", "signal": "SIGSEGV"}"#, 3,
        "millrace: job j1 failed: crashed (SIGSEGV): gone\n"
      ),
      (
        "cancelled", #", "error": {"type": "cancelled", "message": "asked"}"#, 4,
        "millrace: job j1 cancelled: cancelled: asked\n"
      ),
      ("running", "", 5, "millrace: the wait ended while the job is running; it goes on: millrace wait j1\n"),
    ])
  func ends(state: String, more: String, status: Int32, errors: String) throws {
    let ran = try Ran(["submit", "sleep", "--wait", "0"]) { _, number in
      .json(number == 0 ? Self.job("queued") : Self.job(state, more))
    }
    #expect(ran.status == status)
    #expect(ran.errors == errors)
    #expect(ran.output.isEmpty)
    #expect(ran.requests.map(\.target) == ["/v1/jobs", "/v1/jobs/j1"])
  }

  @Test(
    "a refusal is told with its reason and has its exit status",
    arguments: [
      (["get", "x/.."], 404, 6), (["get", "1"], 410, 6), (["get", "1"], 401, 7), (["cancel", "1"], 403, 7),
      (["cancel", "1"], 409, 9), (["submit", "h"], 422, 9), (["submit", "h"], 503, 9), (["list"], 400, 9),
      (["handlers", "h"], 404, 9), (["list"], 500, 1), (["wait", "1"], 404, 6),
    ])
  func refusals(arguments: [String], status: Int, exitStatus: Int32) throws {
    let ran = try Ran(arguments) { _, _ in .json(#"{"detail": "because"}"#, status: status) }
    #expect(ran.status == exitStatus)
    #expect(ran.errors.hasSuffix("because (\(status))\n"))
    #expect(ran.output.isEmpty)
    #expect(ran.requests.first?.target.contains("/..") == false)
  }

  @Test("a server that is not there, or is not Millrace, is told apart")
  func strangers() throws {
    let away = Ran(["list", "--server", "unix:/nonexistent/m.sock"])
    #expect(away.status == 8)
    #expect(
      away.errors == "millrace: the server at unix:/nonexistent/m.sock was not reached: Couldn't connect to server\n")
    let broken = try Ran(["list"]) { _, _ in nil }
    #expect(broken.status == 8)
    let stranger = try Ran(["list"]) { _, _ in .json("<html>") }
    #expect(stranger.status == 1)
  }

  @Test("a file is streamed with its size, a pipe in chunks")
  func bodies() throws {
    let bytes = [UInt8]((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    let path = "/tmp/cli-body-\(UUID().uuidString)"
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    defer { unlink(path) }
    let arguments = ["submit", "sha256", "name=a b", "--timeout", "5s", "--body"]
    let file = try Ran(arguments + [path, "--type", "text/plain"]) { _, _ in .json(Self.job("queued")) }
    #expect(file.status == 0)
    #expect(file.requests.first?.target == "/v1/jobs?handler=sha256&args.name=a%20b&timeout=5s")
    #expect(file.requests.first?.method == "POST")
    #expect(file.requests.first?.headers["content-length"] == "300000")
    #expect(file.requests.first?.headers["content-type"] == "text/plain")
    #expect(file.requests.first?.body == bytes)

    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let piece = Array(bytes.prefix(40_000))
    #expect(write(ends[1], piece, piece.count) == piece.count)
    close(ends[1])
    let stream = try Ran(arguments + ["/dev/fd/\(ends[0])"]) { _, _ in .json(Self.job("queued")) }
    close(ends[0])
    #expect(stream.status == 0)
    #expect(stream.requests.first?.headers["transfer-encoding"] == "chunked")
    #expect(stream.requests.first?.headers["content-type"] == "application/octet-stream")
    #expect(stream.requests.first?.body == piece)
  }

  @Test("a server that refuses a large body before it has come is heard")
  func earlyRefusal() throws {
    let path = "/tmp/cli-large-\(UUID().uuidString)"
    try Data(count: 8 << 20).write(to: URL(fileURLWithPath: path))
    defer { unlink(path) }
    let ran = try Ran(["submit", "sha256", "--body", path]) { _, _ in
      .init(status: 413, body: Array(#"{"detail": "too large"}"#.utf8), early: true)
    }
    #expect(ran.errors == "millrace: too large (413)\n")
    #expect(ran.status == 9)
  }

  @Test("a wait outlives a server that is away for a moment, but not one that never was there")
  func patience() throws {
    let ran = try Ran(["wait", "j1"]) { _, number in
      switch number {
      case 0: .json(Self.job("running"))
      case 1: nil
      case 2: .json("{}", status: 503)
      default: .json(Self.job("succeeded"))
      }
    }
    #expect(ran.status == 0)
    #expect(ran.text == "j1  succeeded\n")
    #expect(ran.errors == "")
    #expect(try Ran(["wait", "j1"]) { _, _ in nil }.status == 8)
  }

  @Test("wait reports each job, and ends with the gravest status")
  func waitForSeveral() throws {
    let ran = try Ran(["wait", "a", "gone", "b"]) { request, _ in
      if request.target.hasPrefix("/v1/jobs/gone") { return .json(#"{"detail": "no such job"}"#, status: 404) }
      let isA = request.target.hasPrefix("/v1/jobs/a")
      return .json(Self.job(isA ? "succeeded" : "failed", id: isA ? "a" : "b"))
    }
    #expect(ran.text == "a  succeeded\nb  failed\n")
    #expect(ran.errors == "millrace: job gone: no such job (404)\n")
    #expect(ran.status == 6)
  }

  @Test("get shows a job, its log, or its result")
  func get() throws {
    let shown = try Ran(["get", "j1"]) { _, _ in .json(Self.job("failed")) }
    #expect(shown.text == "id       j1\nhandler  sleep\nstate    failed\n")
    #expect(shown.status == 0)
    let log = try Ran(["get", "j1", "--log"]) { _, _ in .init(headers: [], body: [1, 2, 255]) }
    #expect(log.output == [1, 2, 255])
    #expect(log.requests.map(\.target) == ["/v1/jobs/j1/log"])
    let result = try Ran(["get", "j1", "--result"]) { request, number in
      number == 0 ? .json(Self.job("succeeded")) : .init(headers: [], body: [255, 0])
    }
    #expect(result.output == [255, 0])
    #expect(result.status == 0)
    let early = try Ran(["get", "j1", "--result"]) { _, _ in .json(Self.job("queued")) }
    #expect(early.status == 5)
    #expect(early.errors == "millrace: job j1 queued\n")
  }

  @Test("cancel says what became of each job")
  func cancel() throws {
    let ran = try Ran(["cancel", "a", "b"]) { request, number in
      number == 0 ? .json(Self.job("cancelled", id: "a")) : .json(Self.job("running", id: "b"), status: 202)
    }
    #expect(ran.text == "a  cancelled\nb  running\n")
    #expect(ran.status == 0)
    #expect(ran.requests.map(\.method) == ["POST", "POST"])
    #expect(ran.requests.map(\.target) == ["/v1/jobs/a/cancel", "/v1/jobs/b/cancel"])
    #expect(ran.requests.map(\.body) == [[], []])
  }

  @Test("list follows the pages up to its limit")
  func list() throws {
    let ran = try Ran(["list", "--state", "failed", "--limit", "3"]) { _, number in
      let jobs = (number == 0 ? ["a", "b"] : ["c"]).map { Self.job("failed", id: $0) }
      return .json(#"{"jobs": [\#(jobs.joined(separator: ","))], "next_cursor": "n&\#(number)"}"#)
    }
    #expect(
      ran.text == """
        ID  HANDLER  STATE   ATTEMPT  PROGRESS  CREATED
        a   sleep    failed
        b   sleep    failed
        c   sleep    failed

        """)
    #expect(
      ran.requests.map(\.target) == ["/v1/jobs?state=failed&limit=3", "/v1/jobs?state=failed&limit=1&cursor=n%260"])
  }

  @Test("handlers are listed in a table, and one is shown with its schema")
  func handlers() throws {
    let all = try Ran(["handlers"]) { _, _ in
      .json(#"{"handlers": [{"name": "sleep", "executor": "task", "summary": "Waits.", "input": {}}]}"#)
    }
    #expect(all.text == "NAME   EXECUTOR  SUMMARY\nsleep  task      Waits.\n")
    let one = try Ran(["handlers", "sleep"]) { _, _ in .json(#"{"name":"sleep","input":{"type":"object"}}"#) }
    #expect(one.requests.map(\.target) == ["/v1/handlers/sleep"])
    #expect(one.text.contains("\"type\" : \"object\""))
  }
}
