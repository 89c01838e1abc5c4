import Foundation
import Testing

@Suite("The command line against a running server", .serialized, .server())
struct CommandLineTests {
  let server = ServerProcess.current

  private func millrace(_ arguments: String..., input: String = "/dev/null") throws -> Program.Ended {
    let variables = ["MILLRACE_SERVER": "http://127.0.0.1:\(server.port)", "NO_COLOR": "1"]
    return try Program.run(Program.millrace, arguments, environment: variables, input: input)
  }

  @Test("submit prints the id, and with --wait the bare result")
  func submit() throws {
    let submitted = try millrace("submit", "count_primes", "below=1000")
    #expect(submitted.status == 0 && submitted.lines.count == 1 && submitted.errors.isEmpty, "\(submitted)")
    #expect(try server.end(of: submitted.lines[0])["result"] == .object(["count": 168]))
    let waited = try millrace("submit", "count_primes", #"{"below": 100}"#, "--wait")
    #expect(waited.status == 0 && waited.text == #"{"count":25}"#, "\(waited)")
    let picture = try millrace("submit", "mandelbrot", "width=40", "height=30", "--wait", "60")
    #expect(picture.status == 0 && PNG.size(picture.output) == [40, 30])
    let json = try millrace("submit", "noop", "--wait", "--json", "--priority", "-5", "--metadata", #"{"a": 1}"#)
    let job = try JSON.parse(json.output)
    #expect(json.status == 0 && job["state"] == "succeeded" && job["priority"] == -5)
    #expect(job["metadata"] == .object(["a": 1]))
  }

  @Test("submit sends a file or standard input as the body")
  func body() throws {
    let folder = try TestFolder()
    let path = try folder.write("one two\n", to: "text")
    for input in [path, "-"] {
      let ended = try millrace("submit", "word_count", "--body", input, "--wait", input: path)
      #expect(try ended.status == 0 && JSON.parse(ended.output)["words"] == 2, "\(ended)")
    }
    try folder.remove()
  }

  @Test("the exit status tells how a job ended: 3 failed, 4 cancelled, 5 still running")
  func outcomes() throws {
    let failed = try millrace("submit", "fail", "message=broken", "--wait")
    #expect(failed.status == 3 && failed.errors.contains("broken") && failed.output.isEmpty, "\(failed)")
    let crashed = try millrace("submit", "crash", "signal=SIGSEGV", "--wait")
    #expect(crashed.status == 3 && crashed.errors.contains("SIGSEGV"), "\(crashed)")

    let id = try millrace("submit", "spin").lines[0]
    try server.job(id, is: "running")
    let running = try millrace("wait", id, "--timeout", "1s")
    #expect(running.status == 5 && running.text.contains("running"), "\(running)")
    let early = try millrace("get", id, "--result")
    #expect(early.status == 5, "\(early)")
    let cancelled = try millrace("cancel", id)
    #expect(cancelled.status == 0 && cancelled.text.hasPrefix(id), "\(cancelled)")
    let waited = try millrace("wait", id)
    #expect(waited.status == 4 && waited.text.contains("cancelled"), "\(waited)")
    #expect(try millrace("get", id, "--result").status == 4)
    let again = try millrace("cancel", id)
    #expect(again.status == 9, "\(again)")
  }

  @Test("get shows a job, its result and its log; a job that is not there is status 6")
  func get() throws {
    let id = try millrace("submit", "count_primes", "below=1000").lines[0]
    #expect(try millrace("wait", id).text == "\(id)  succeeded\n")
    let shown = try millrace("get", id)
    #expect(shown.status == 0 && shown.text.contains("succeeded") && shown.text.contains("count_primes"), "\(shown)")
    #expect(try millrace("get", id, "--result").text == #"{"count":168}"#)
    #expect(try millrace("get", id, "--log").status == 0)
    let json = try millrace("get", id, "--json")
    #expect(try JSON.parse(json.output) == server.job(id))
    for unknown in ["019a0000-0000-7000-8000-000000000000", "nonsense"] {
      for command in ["get", "wait", "cancel"] {
        let missing = try millrace(command, unknown)
        #expect(missing.status == 6 && !missing.errors.isEmpty, "\(command): \(missing)")
      }
    }
    #expect(try server.delete("/v1/jobs/\(id)").status == 204)
    #expect(try millrace("get", id).status == 6)
  }

  @Test("list and handlers print tables, or the server's JSON")
  func tables() throws {
    let id = try millrace("submit", "fail").lines[0]
    #expect(try millrace("wait", id).status == 3)
    let list = try millrace("list", "--state", "failed", "--handler", "fail", "--limit", "1")
    #expect(list.status == 0 && list.lines.count == 2 && list.lines[1].contains(id), "\(list)")
    #expect(try JSON.parse(millrace("list", "--json", "--limit", "1").output)["jobs"].items.count == 1)
    let handlers = try millrace("handlers")
    #expect(handlers.status == 0 && handlers.text.contains("count_primes") && handlers.text.contains("task"))
    let one = try millrace("handlers", "count_primes")
    #expect(try one.status == 0 && JSON.parse(one.output)["name"] == "count_primes")
  }

  @Test("queues are listed, paused and resumed, and explain says what a job waits for")
  func queues() throws {
    #expect(try millrace("queues", "pause", "cli").text.contains("paused"))
    let id = try millrace("submit", "noop", "--queue", "cli", "--unique-key", "u", "--key", "k").lines[0]
    #expect(try millrace("submit", "noop", "--queue", "cli", "--unique-key", "u").lines == [id])
    let explained = try millrace("explain", id)
    #expect(explained.status == 0 && explained.text.contains("'cli' is paused"), "\(explained)")
    #expect(try millrace("queues").lines.contains { $0.hasPrefix("cli ") && $0.contains("paused") })
    #expect(try millrace("list", "--queue", "cli").lines.count == 2)
    #expect(try millrace("queues", "resume", "cli", "--json").status == 0)
    #expect(try millrace("wait", id).status == 0)
    let keyed = try (0..<2).map { _ in try millrace("submit", "noop", "--idempotency-key", "a \"key\"").lines }
    #expect(keyed[0] == keyed[1] && keyed[0].count == 1)
    #expect(try millrace("explain", "nonsense").status == 6)
    #expect(try millrace("submit", "noop", "--queue", "no queue").status == 9)
  }

  @Test("a refused submit is status 9 with every complaint, and a usage mistake 64")
  func refusals() throws {
    let refused = try millrace("submit", "count_primes", "below=-1", "more=2")
    #expect(refused.status == 9 && refused.errors.contains("below") && refused.errors.contains("more"), "\(refused)")
    #expect(try millrace("submit", "nothing").status == 9)
    #expect(try millrace("submit", "noop", "--priority", "1000").status == 64)
    #expect(try millrace("get").status == 64)
    #expect(try millrace("nonsense").status == 64)
  }

  @Test("a server that is not there is status 8")
  func unreachable() throws {
    let folder = try TestFolder()
    for command in [["list"], ["submit", "noop"], ["get", "019a0000-0000-7000-8000-000000000000"]] {
      let arguments = command + ["--server", "unix:\(folder.file("nobody"))"]
      let ended = try Program.run(Program.millrace, arguments)
      #expect(ended.status == 8 && ended.errorLines.count == 1, "\(ended)")
    }
    try folder.remove()
  }

  @Test("wait outlasts a restart of the server")
  func waitAcrossRestart() throws {
    let folder = try TestFolder()
    let listen = "unix:\(folder.file("socket"))"
    let first = try ServerProcess([], in: folder, listen: listen)
    let id = try first.submit("noop", "{}", #""delay": "3s""#)
    let (output, errors) = (folder.file("output"), folder.file("errors"))
    let pid = try Program.spawn(
      Program.millrace, ["wait", id, "--server", listen], output: output, errors: errors)
    try eventually("the client has asked once", see: { try first.get("/metrics").text }) {
      $0.contains(#"millrace_http_requests_total{route="/v1/jobs/{id}",status="2xx"}"#)
    }
    first.killEverything()
    try first.ended()
    let status = try withServer(in: folder, listen: listen) { _ in try Program.end(of: pid) }
    #expect(status == 0)
    #expect(try String(contentsOfFile: output, encoding: .utf8) == "\(id)  succeeded\n")
    try folder.remove()
  }
}
