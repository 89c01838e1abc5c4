import HTTPServer
import JobModel
import StrictJSON
import Testing

@testable import JobService

@Suite("Reading requests")
struct RequestReadingTests {
  static let id = "019a0000-0000-7000-8000-000000000001"

  @Test(
    "every path of the contract names its resource",
    arguments: [
      ("/v1", "/v1"), ("/v1/jobs", "/v1/jobs"), ("/v1/jobs/\(id)", "/v1/jobs/{id}"),
      ("/v1/jobs/nonsense", "/v1/jobs/{id}"), ("/v1/jobs/\(id)/result", "/v1/jobs/{id}/result"),
      ("/v1/run/sha256", "/v1/run/{handler}"), ("/v1/handlers/sha256", "/v1/handlers/{name}"), ("/metrics", "/metrics"),
      ("/", "/"), ("/app.js", "/"), ("/v1x", "/"), ("/metrics/", "/"), ("//", "/"), ("*", "/"), ("/V1/jobs", "/"),
      ("/v1/", "unknown"), ("/v1/jobs/", "unknown"), ("/v1/jobs/\(id)/", "unknown"),
      ("/v1/jobs/result", "/v1/jobs/{id}"),
      ("/v1/jobs/\(id)/resultx", "unknown"), ("/v1/jobs/\(id)/result/", "unknown"), ("/v1/jobs//result", "unknown"),
      ("/v1/run/", "unknown"), ("/v1/run/a/b", "unknown"), ("/v1//jobs", "unknown"), ("/v1/{id}", "unknown"),
    ])
  func routes(path: String, template: String) {
    #expect(Contract.resources[Contract.match(Array(path.utf8)).resource].template == template)
  }

  @Test("every template finds its own resource, and where its parameter stands")
  func templates() {
    for (index, resource) in Contract.resources.enumerated() where resource.template.hasPrefix("/v1") {
      let path = resource.template.split(separator: "{").first.map(String.init) ?? ""
      let rest = resource.template.split(separator: "}").dropFirst().first.map(String.init) ?? ""
      let hasParameter = resource.parameter != .none
      let match = Contract.match(Array((path + (hasParameter ? "x-1" : "") + rest).utf8))
      let place = path.utf8.count..<path.utf8.count + 3
      #expect(match == Router.Match(resource: index, parameter: hasParameter ? place : 0..<0), "\(resource.template)")
    }
  }

  @Test("no two operations have one name, and none reads two parameters of one name")
  func operations() {
    let operations = Contract.resources.flatMap(\.operations).map(\.operation)
    #expect(Set(operations.map(\.id)).count == operations.count)
    for operation in operations { #expect(Set(operation.query.map(\.name)).count == operation.query.count) }
  }

  @Test(
    "a wait is read from the preference or the query, and capped",
    arguments: [
      (nil, "wait=5", 5), (nil, "respond-async, wait=7; foo", 7), (nil, "wait=\"9\"", 9), (nil, "wait=9999", 60),
      (3, "wait=9", 3), (0, nil, 0), (100, nil, 60),
    ] as [(Int?, String?, Int)])
  func waits(query: Int?, prefer: String?, seconds: Int) {
    #expect(WaitRequest.read(query: query, prefer: prefer, limitSeconds: 60)?.seconds == seconds)
  }

  @Test("a bad preference is ignored")
  func badPreferences() {
    #expect(WaitRequest.read(query: nil, prefer: "wait=x", limitSeconds: 60) == nil)
    #expect(WaitRequest.read(query: nil, prefer: "wait=-1", limitSeconds: 60) == nil)
    #expect(WaitRequest.read(query: nil, prefer: "return=minimal", limitSeconds: 60) == nil)
  }

  @Test(
    "a number in a query is written as JSON writes it, and lies in the declared range",
    arguments: [
      ("0", true), ("60", true), ("1000000", true), ("1000001", false), ("-1", false), ("x", false), ("", false),
      ("1.5", false), ("+3", false), ("03", false), ("9999999999999999999", false), (" 3", false), ("٣", false),
    ])
  func numbers(text: String, isGood: Bool) {
    #expect((QueryParameter.wait.complaint(about: text) == nil) == isGood)
  }

  @Test("options are read from JSON, an explicit null is the same as none, and every error is collected")
  func options() throws {
    var options = JobOptions()
    let text = """
      {"priority": 5, "delay": "10s", "timeout": null, "max_attempts": 0, "metadata": [1], "run_at": 3, "queue": "a/b",
      "key": "", "unique_key": "u"}
      """
    for (key, value) in try JSONDocument.parse(Array(text.utf8)).root.members {
      let isKnown = options.take(key, value)
      #expect(isKnown)
    }
    options.finish()
    #expect(options.priority == 5)
    #expect(options.delay == .seconds(10))
    #expect(options.errors.map(\.pointer) == ["/max_attempts", "/metadata", "/run_at", "/queue", "/key"])
    #expect(options.queue == "default" && options.uniqueKey == "u" && options.concurrencyKey == nil)
    let isKnown = options.take("nonsense", try JSONDocument.parse(Array("1".utf8)).root)
    #expect(!isKnown)
  }

  @Test("a delay and a time cannot both be given")
  func delayAndTime() {
    var options = JobOptions()
    _ = options.take(query: "delay", "1s")
    _ = options.take(query: "run_at", "2030-01-01T00:00:00Z")
    options.finish()
    #expect(options.errors.map(\.pointer) == ["/delay"])
  }

  @Test("a time that has passed is now")
  func pastTime() {
    var options = JobOptions()
    _ = options.take(query: "run_at", "2001-01-01T00:00:00Z")
    #expect(options.due(now: .now) == nil)
  }
}

@Suite("Requests of browsers")
struct RequestOriginTests {
  let origin = RequestOrigin(ownNames: ["localhost", "host-1"])

  @Test(
    "own names and any address are own",
    arguments: ["localhost", "localhost:8080", "LOCALHOST", "host-1:80", "127.0.0.1:8080", "[::1]:8080", "10.1.2.3"])
  func own(host: String) throws {
    try origin.check(host: host, origin: nil, fetchSite: nil, changes: true)
  }

  @Test(
    "a foreign name is refused",
    arguments: ["evil.example", "localhost.evil.example", "1.2.3", "1.2.3.4.5", "256.1.1.1"])
  func foreign(host: String) {
    #expect(throws: APIError.self) { try origin.check(host: host, origin: nil, fetchSite: nil, changes: false) }
  }

  @Test("a change asked for by another site's page is refused, by curl it is not")
  func crossSite() throws {
    let host = "127.0.0.1:8080"
    try origin.check(host: host, origin: "http://127.0.0.1:8080", fetchSite: "same-origin", changes: true)
    try origin.check(host: host, origin: nil, fetchSite: "none", changes: true)
    for (from, site) in [
      ("http://evil.example", nil), ("null", nil), ("http://127.0.0.1:9", nil), (nil, "cross-site"), (nil, "same-site"),
    ] as [(String?, String?)] {
      #expect(throws: APIError.self) { try origin.check(host: host, origin: from, fetchSite: site, changes: true) }
    }
  }
}

@Suite("Charsets")
struct CharsetTests {
  @Test(
    "the charset is found in any case and form",
    arguments: [
      ("application/json", nil), ("application/json; charset=UTF-8", "utf-8"), ("a/b;x=1;Charset=\"Latin1\"", "latin1"),
      ("a/b; charset", nil), ("charset=x", nil),
    ] as [(String, String?)])
  func charset(_ mediaType: String, _ charset: String?) {
    #expect(MediaType.charset(mediaType) == charset)
  }
}

@Suite("Requests by way of a reverse proxy")
struct ProxiedOriginTests {
  let origin = RequestOrigin(ownNames: ["localhost", "jobs.example"], publicNames: ["jobs.example"])

  @Test(
    "a page of the proxy's name may change things, whether or not the proxy passes its Host on",
    arguments: ["jobs.example", "localhost:8080"])
  func ownPage(host: String) throws {
    for scheme in ["http", "https", "HTTPS"] {
      try origin.check(host: host, origin: "\(scheme)://jobs.example", fetchSite: "same-origin", changes: true)
    }
  }

  @Test(
    "another site's page may not",
    arguments: [
      "https://jobs.example.evil", "https://evil/jobs.example", "https://jobs.example:8443", "ftp://jobs.example",
      "https://localhost", "jobs.example",
    ])
  func foreignPage(page: String) {
    #expect(throws: APIError.self) {
      try origin.check(host: "127.0.0.1", origin: page, fetchSite: nil, changes: true)
    }
  }
}

@Suite("What goes between an acceptor and its workers")
struct WorkerGlueTests {
  @Test("an attempt's header comes back as it was, with or without a deadline, whatever the media type holds")
  func header() {
    let id = JobID(high: 0x19a0_0000_0000_7000, low: 0x8000_0000_0000_0001)
    let header = AttemptHeader(
      id: id, attempt: 3, deadline: Timestamp(microseconds: 12), handler: "x", form: .body, mediaType: "a/b",
      trace: TraceContext(
        parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", state: "one=a b, two=c"),
      args: Array("{\"a\":\n1}".utf8))
    #expect(AttemptHeader(header.bytes) == header)
    var other = header
    other.deadline = nil
    #expect(AttemptHeader(other.bytes) == other)
    other.trace = nil
    #expect(AttemptHeader(other.bytes) == other)
    other.mediaType = "a\nb"
    #expect(AttemptHeader(other.bytes)?.args == header.args)
    #expect(AttemptHeader(Array("nonsense".utf8)) == nil)
  }

  @Test("progress comes back as it was")
  func progress() {
    for progress in [
      JobProgress(completed: 1, total: 2, message: "a\nb"), JobProgress(completed: 0, total: nil),
      JobProgress(completed: 5, total: nil, message: ""),
    ] {
      #expect(ProgressText.progress(ProgressText.bytes(progress)) == progress)
    }
  }

  @Test("a failure keeps its kind, and text that is none is a handler's error")
  func failure() {
    let error = FailureText.error(FailureText.bytes(.invalidArgs, "a\nb"), attempt: 2)
    #expect(error == JobError(.invalidArgs, "a\nb", attempt: 2))
    #expect(FailureText.error(Array("oops".utf8), attempt: 1).kind == .handlerError)
  }

  @Test("a log keeps what it may, and says that it was cut")
  func log() {
    var log = LogBuffer(limitBytes: 1000)
    log.append([UInt8](repeating: 65, count: 1000 - 1))
    log.append(Array("BCD".utf8))
    log.append(Array("more".utf8))
    let text = log.take()
    #expect(text.count > 1000 && text.count < 1000 + 100)
    #expect(text[1000 - 1] == UInt8(ascii: "B"))
    #expect(String(decoding: text.suffix(20), as: UTF8.self).contains("1000 bytes]"))
    #expect(log.isEmpty)
  }
}
