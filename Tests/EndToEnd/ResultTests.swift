import Testing

@Suite("What a job leaves: result, log and error", .serialized, .server())
struct ResultTests {
  let server = ServerProcess.current

  @Test("the result stands alone under /result, with its own media type")
  func bareResult() throws {
    let id = try server.submit("count_primes", #"{"below": 1000}"#)
    try server.end(of: id)
    let reply = try server.get("/v1/jobs/\(id)/result")
    #expect(reply.status == 200 && reply["content-type"] == "application/json")
    #expect(reply.text == #"{"count":168}"#)
  }

  @Test("while a job has not ended its result is 409 with Retry-After")
  func tooEarly() throws {
    let id = try server.submit("sleep", #"{"seconds": 30}"#)
    let reply = try server.get("/v1/jobs/\(id)/result")
    #expect(reply.status == 409 && reply.isProblem && reply["retry-after"] == "1")
    try server.cancel(id)
  }

  @Test("instead of a result a failed or cancelled job has its error, 409")
  func noResult() throws {
    let failed = try server.submit("fail", #"{"message": "no luck"}"#)
    try server.end(of: failed)
    let reply = try server.get("/v1/jobs/\(failed)/result")
    #expect(reply.status == 409 && reply.isProblem && reply["retry-after"] == nil)
    #expect(try reply.json["job_error"]["type"] == "handler_error")
    #expect(try reply.json["job_error"]["message"] == "no luck")

    let cancelled = try server.submit("noop", "{}", #""delay": "1h""#)
    try server.cancel(cancelled)
    let other = try server.get("/v1/jobs/\(cancelled)/result")
    #expect(try other.status == 409 && other.json["job_error"]["type"] == "cancelled")
  }

  @Test("a log is text, and empty where the handler printed nothing")
  func logs() throws {
    let id = try server.submit("noop")
    try server.end(of: id)
    let reply = try server.get("/v1/jobs/\(id)/log")
    #expect(reply.status == 200 && reply["content-type"] == "text/plain; charset=utf-8" && reply.body.isEmpty)
  }

  @Test("what a handler printed before it crashed is in its log")
  func printedBeforeACrash() throws {
    // An index out of range: Swift prints its message on standard error before the process ends.
    let id = try server.submit("crash")
    try server.end(of: id)
    let reply = try server.get("/v1/jobs/\(id)/log")
    #expect(reply.status == 200)
    #expect(reply.text.contains("Index out of range"), "\(reply)")
  }

  @Test("JSON of more than 64 KiB is left out of the job and told of, and comes whole under /result")
  func largeJSON() throws {
    let text = String(repeating: "0123456789abcdef", count: 20_000)
    let id = try server.submit("echo", #"{"text": "\#(text)"}"#)
    let job = try server.end(of: id)
    #expect(job["result"].isNull)
    #expect(job["result_type"] == "application/json")
    let bytes = try #require(job["result_bytes"].int)
    #expect(bytes > 320_000)
    let reply = try server.get("/v1/jobs/\(id)/result")
    #expect(reply.body.count == bytes)
    #expect(try reply.json["text"].string == text)
  }

  @Test("JSON of less than 64 KiB stands in the job, whatever way its worker sent it")
  func middlingJSON() throws {
    let text = String(repeating: "0123456789abcdef", count: 3000)
    let id = try server.submit("echo", #"{"text": "\#(text)"}"#)
    let job = try server.end(of: id)
    #expect(job["result"]["text"].string == text)
  }

  @Test("a picture is told of in the job, and comes whole under /result")
  func picture() throws {
    let id = try server.submit("mandelbrot", #"{"width": 640, "height": 480, "max_iterations": 100}"#)
    let job = try server.end(of: id)
    #expect(job["result"].isNull && job["result_type"] == "image/png")
    let reply = try server.get("/v1/jobs/\(id)/result")
    #expect(reply["content-type"] == "image/png")
    #expect(reply.body.count == job["result_bytes"].int)
    #expect(PNG.size(reply.body) == [640, 480])
    #expect(try server.head("/v1/jobs/\(id)/result")["content-length"] == "\(reply.body.count)")
  }

  @Test("numbers, escapes and blanks of an echo come back byte for byte")
  func exactness() throws {
    let args =
      #"{"big": 9007199254740993, "long": 0.12345678901234567890123456789, "tiny": 1E-400, "minus": -0, "#
      + #""text": "\u00e9\u20AC\ud83d\ude00 \/ \t é€😀", "":{}, "deep": [[[[]]]], "e": 1e5, "huge": 123456789012345678901234567890}"#
    let id = try server.submit("echo", args)
    let job = try server.get("/v1/jobs/\(id)?wait=30")
    #expect(job.text.contains("\"args\":\(args)"))
    #expect(job.text.contains("\"result\":\(args)"), "\(job)")
    #expect(try server.get("/v1/jobs/\(id)/result").text == args)
    #expect(try server.post("/v1/run/echo", args).text == args)
  }

  @Test("an echo gives back any JSON value", arguments: ["[1, 2.50]", "\"text\"", "-0.0", "true", "null", "[]"])
  func anyValue(_ value: String) throws {
    #expect(try server.post("/v1/run/echo", value).text == value)
  }
}

/// The head of a PNG file (PNG specification, sections 5.2 and 11.2.2).
enum PNG {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  /// Width and height; `nil` where it is no PNG.
  static func size(_ bytes: [UInt8]) -> [Int]? {
    guard bytes.count > 24, bytes.starts(with: signature), bytes[12..<16].elementsEqual("IHDR".utf8),
      bytes.suffix(8).prefix(4).elementsEqual("IEND".utf8)
    else { return nil }
    return [16, 20].map { start in bytes[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) } }
  }
}
