import Foundation
import Testing

@Suite("POST /v1/run/{handler}", .serialized, .server("--timeout", "20s"))
struct RunTests {
  let server = ServerProcess.current

  @Test("the reply is the bare result, with the job's place")
  func bareResult() throws {
    let reply = try server.post("/v1/run/count_primes", #"{"below": 100}"#)
    #expect(reply.status == 200 && reply["content-type"] == "application/json")
    #expect(reply.text == #"{"count":25}"#)
    let job = try server.get(try #require(reply["location"]))
    #expect(try job.json["state"] == "succeeded")
  }

  @Test("a picture has the size asked for", arguments: [[1, 1], [37, 23], [300, 200]])
  func picture(_ size: [Int]) throws {
    let reply = try server.post("/v1/run/mandelbrot", #"{"width": \#(size[0]), "height": \#(size[1])}"#)
    #expect(reply.status == 200 && reply["content-type"] == "image/png")
    #expect(PNG.size(reply.body) == size)
    let byQuery = try server.post("/v1/run/mandelbrot?args.width=\(size[0])&args.height=\(size[1])")
    #expect(byQuery.body == reply.body)
  }

  @Test("words are counted as wc counts them")
  func wordCount() throws {
    let folder = try TestFolder()
    let texts = [
      "", "one", "one\n", " \t two  words\u{0B}three\u{0C}\r\nfour\n\n", "a\u{00A0}b née x😀\n",
      "\u{0}nul\u{0} in\u{1} it\n",
    ]
    for text in texts {
      let path = try folder.write(text, to: "text")
      let counted = try Program.run("/usr/bin/wc", ["-lwc"], environment: ["LC_ALL": "C"], input: path)
      let numbers = counted.text.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
      let expected: JSON = .object(["lines": .int(numbers[0]), "words": .int(numbers[1]), "bytes": .int(numbers[2])])
      if !text.isEmpty {
        let reply = try server.post("/v1/run/word_count", bytes: Array(text.utf8), "Content-Type: text/plain")
        #expect(try reply.json == expected, "\(text.debugDescription): \(reply)")
      }
      let quoted = String(decoding: try JSONEncoder().encode(["text": text]), as: UTF8.self)
      let byText = try server.post("/v1/jobs?wait=30", #"{"handler": "word_count", "args": \#(quoted)}"#)
      #expect(try byText.json["result"] == expected)
    }
    try folder.remove()
  }

  @Test("a failing handler is 500 with the job's error")
  func failing() throws {
    let reply = try server.post("/v1/run/fail", #"{"message": "it broke"}"#)
    #expect(reply.status == 500 && reply.isProblem)
    #expect(try reply.json["job_error"]["type"] == "handler_error")
    #expect(try reply.json["job_error"]["message"] == "it broke")
    #expect(try server.get(try #require(reply["location"])).json["state"] == "failed")
    let crashed = try server.post("/v1/run/crash", #"{"signal": "SIGKILL"}"#)
    #expect(try crashed.status == 500 && crashed.json["job_error"]["signal"] == "SIGKILL")
  }

  @Test("a job that takes longer than its timeout is 504")
  func timeout() throws {
    let reply = try server.post("/v1/run/spin?timeout=300ms")
    #expect(reply.status == 504 && reply.isProblem)
    #expect(try reply.json["job_error"]["type"] == "timed_out")
    let sleeping = try server.post("/v1/run/sleep?timeout=100ms", #"{"seconds": 60}"#)
    #expect(try sleeping.status == 504 && sleeping.json["job_error"]["type"] == "timed_out")
    #expect(try server.get("/v1/handlers/spin").json["timeout"] == "20s")
  }

  @Test("a job that does not end within the wait is 202 with the job")
  func notInTime() throws {
    let reply = try server.post("/v1/run/sleep?wait=1", #"{"seconds": 30}"#)
    #expect(reply.status == 202)
    let id = try #require(reply.json["id"].string)
    #expect(reply["location"] == "/v1/jobs/\(id)")
    try server.cancel(id)
  }

  @Test("an unknown handler is 404 here, and 422 in a submit")
  func unknownHandler() throws {
    let run = try server.post("/v1/run/nothing", "{}")
    #expect(run.status == 404 && run.isProblem)
    let submit = try server.post("/v1/jobs", #"{"handler": "nothing"}"#)
    #expect(submit.status == 422 && submit.isProblem && submit.pointers == ["/handler"])
    let query = try server.post("/v1/jobs?handler=nothing", bytes: [1, 2, 3])
    #expect(query.status == 422 && query.pointers == ["/handler"])
    #expect(try server.get("/v1/handlers/nothing").status == 404)
  }

  @Test("matrices are multiplied")
  func matrices() throws {
    let reply = try server.post("/v1/run/matrix_multiply", #"{"a": [[1, 2], [3, 4]], "b": [[5, 6], [7, 8]]}"#)
    #expect(try reply.json["product"] == .array([.array([19, 22]), .array([43, 50])]))
  }

  @Test(
    "matrices whose shapes do not fit are 422, and the pointer says where",
    arguments: [
      (#"{"a": [[1, 2]], "b": [[1, 2]]}"#, "/args/b"), (#"{"a": [[1, 2], [3]], "b": [[1], [2]]}"#, "/args/a/1"),
      (#"{"a": [], "b": [[1]]}"#, "/args/a"), (#"{"a": [[1]], "b": [[]]}"#, "/args/b/0"), (#"{"a": [[1]]}"#, "/args/b"),
      (#"{"a": [["x"]], "b": [[1]]}"#, "/args/a/0/0"), (#"{"a": 1, "b": [[1]]}"#, "/args/a"),
      (#"{"a": [[1]], "b": [[1]], "c": 1}"#, "/args/c"),
    ])
  func shapes(_ args: String, _ pointer: String) throws {
    let reply = try server.post("/v1/run/matrix_multiply", args)
    #expect(reply.status == 422 && reply.isProblem && reply.pointers == [pointer], "\(reply)")
    let submit = try server.post("/v1/jobs", #"{"handler": "matrix_multiply", "args": \#(args)}"#)
    #expect(submit.status == 422 && submit.pointers == [pointer])
  }

  @Test("the list of handlers tells their executors and the schemas of their inputs")
  func handlers() throws {
    let list = try server.get("/v1/handlers").json["handlers"].items
    let executors = Dictionary(grouping: list.compactMap { $0["name"].string }) { name in
      list.first { $0["name"].string == name }?["executor"].string ?? ""
    }
    let ownProcess = ["count_primes", "sha256", "word_count", "mandelbrot", "matrix_multiply"]
    let diagnostic = ["noop", "echo", "fail", "crash", "spin", "leak"]
    #expect(Set(executors["process"] ?? []) == Set(ownProcess + diagnostic))
    #expect(Set(executors["task"] ?? []) == ["http_fetch", "sleep"])
    let one = try server.get("/v1/handlers/count_primes").json
    #expect(one["input_schema"]["properties"]["below"]["type"] == "integer")
    #expect(one == list.first { $0["name"] == "count_primes" })
  }
}

extension JSON {
  static func int(_ value: Int) -> JSON { .number(Double(value)) }
}
