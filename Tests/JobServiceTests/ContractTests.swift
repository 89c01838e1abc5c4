import HandlerAPI
import JobModel
import StrictJSON
import Testing

@testable import JobService

@Suite("The contract's declarations")
struct ContractTests {
  @Test("the document names each operation once, and each schema that it refers to")
  func document() throws {
    let handlers = try HandlerRegistry([Echo.self, Doubler.self])
    let bytes = OpenAPIDocument(handlers: handlers, version: "1").text()
    let root = try JSONDocument.parse(bytes).root
    let text = String(decoding: bytes, as: UTF8.self)
    let schemas = try #require(root["components"]?["schemas"])
    for part in text.split(separator: "\"#/components/schemas/").dropFirst() {
      let name = String(part.prefix { $0 != "\"" })
      #expect(schemas[name] != nil, "\(name) is not there")
    }
    var ids: [String] = []
    for (_, item) in try #require(root["paths"]).members {
      for (_, operation) in item.members { ids.append(try #require(operation["operationId"]?.stringValue)) }
    }
    #expect(Set(ids).count == ids.count)
    #expect(root["components"]?["securitySchemes"]?["token"]?["scheme"]?.stringValue == "bearer")
    #expect(text.contains("scope `operate`") && text.contains("scope `submit`") && text.contains("scope `read`"))
    #expect(ids.contains("run_doubler") && ids.contains("run_echo") && ids.contains("submitJob"))
  }

  @Test("whoever wants a token is told by each operation which scope it must have, and that there may be none")
  func security() throws {
    let handlers = try HandlerRegistry([Echo.self])
    let root = try JSONDocument.parse(OpenAPIDocument(handlers: handlers, version: "1").text()).root
    var count = 0
    for resource in Contract.resources where resource !== Contract.files {
      let path = resource === Contract.run ? "/v1/run/echo" : resource.template
      for (method, operation) in resource.operations {
        let security = Array(try #require(root["paths"]?[path]?[method]?["security"]).elements)
        count += 1
        guard let scope = operation.scope else {
          #expect(security.isEmpty, "\(operation.id) needs no token anywhere")
          continue
        }
        #expect(security.count == 2 && security[0].rawBytes == Array("{}".utf8))
        #expect(security[1]["token"]?.elements.map(\.stringValue) == [scope.rawValue], "\(operation.id)")
      }
    }
    #expect(count > 25)
  }

  @Test("what makes jobs takes a trace context")
  func trace() {
    for resource in Contract.resources {
      for (_, operation) in resource.operations {
        let names = Set(operation.headers.map(\.name))
        let makesJobs = operation.takesWork && operation.body != nil
        #expect(names.isSuperset(of: ["traceparent", "tracestate"]) == makesJobs, "\(operation.id)")
      }
    }
  }

  @Test("every operation declares what follows from its parameters, its body and its scope")
  func replies() {
    for resource in Contract.resources {
      for (_, operation) in resource.operations {
        let statuses = DerivedReplies.all(of: operation, resource).map(\.status)
        #expect(statuses == statuses.sorted() && Set(statuses).count == statuses.count, "\(operation.id)")
        #expect(statuses.contains(400) && statuses.contains(403), "\(operation.id)")
        #expect(statuses.contains(422) == (operation.body != nil), "\(operation.id)")
        #expect(statuses.contains(404) || resource.parameter == .none, "\(operation.id)")
        #expect(statuses.contains(401) == (operation.scope != nil), "\(operation.id)")
        let isHealthCheck = resource === Contract.livez || resource === Contract.readyz
        #expect(statuses.contains(429) == !isHealthCheck, "\(operation.id)")
        let isRepeatable = operation.headers.contains { $0.name == "Idempotency-Key" }
        #expect(statuses.contains(410) || !isRepeatable, "\(operation.id)")
      }
    }
  }

  @Test("what changes something needs more than the scope to read")
  func scopes() {
    for resource in Contract.resources {
      for (method, operation) in resource.operations where method != "get" {
        #expect(operation.scope == .submit || operation.scope == .operate, "\(operation.id)")
      }
    }
  }

  @Test("the page names every operation, and escapes what is not its own")
  func page() throws {
    let handlers = try HandlerRegistry([Echo.self])
    let html = String(decoding: ReferencePage(handlers: handlers, version: "<1>").bytes(), as: UTF8.self)
    for operation in Contract.resources.flatMap(\.operations).map(\.operation) {
      #expect(html.contains("id=\"\(operation.id)\""))
    }
    #expect(html.contains("scope <code>submit</code>"))
    #expect(html.contains("&lt;1&gt;") && html.contains("gives &lt;b&gt; back &amp; more"))
    #expect(!html.contains("<1>") && !html.contains("<b>") && !html.contains("<script"))
  }

  /// The page's part on an operation.
  private func article(_ operation: Operation, in html: String) throws -> Substring {
    let start = try #require(html.firstRange(of: "<article id=\"\(operation.id)\">"))
    let end = try #require(html[start.upperBound...].firstRange(of: "</article>"))
    return html[start.upperBound..<end.lowerBound]
  }

  @Test("the page lists what each operation takes in its query, and says where the options of a submit may stand")
  func parameters() throws {
    let handlers = try HandlerRegistry([Echo.self])
    let html = String(decoding: ReferencePage(handlers: handlers, version: "1").bytes(), as: UTF8.self)
    for operation in Contract.resources.flatMap(\.operations).map(\.operation) {
      let article = try article(operation, in: html)
      let makesJobs = operation.takesWork && operation.body != nil
      #expect(article.contains("The options of a submit") == makesJobs, "\(operation.id)")
      let options = Set(JobOption.all.map(\.name))
      for parameter in operation.query where !makesJobs || !options.contains(parameter.name) {
        let name = parameter.name + (parameter.isFamily ? "NAME" : "")
        #expect(article.contains("<td><code>\(name)</code></td><td>query</td>"), "\(operation.id): \(name)")
      }
      for header in operation.headers {
        #expect(article.contains("<td><code>\(header.name)</code></td><td>header</td>"), "\(operation.id)")
      }
    }
    let submit = try #require(Contract.jobs.post)
    #expect(try article(submit, in: html).contains("may stand in the query beside <code>handler</code>."))
    let run = try #require(Contract.run.post)
    #expect(try article(run, in: html).contains("may stand in the query."))
    let batch = try #require(Contract.batches.post)
    #expect(try article(batch, in: html).contains("but for <code>unique_key</code>, may stand in the query beside"))
  }

  private struct Echo: Handler {
    static let name = "echo"
    static let summary = "gives <b> back & more"
    func run(_ input: RawJSON, _ context: JobContext) -> RawJSON { input }
  }

  private struct Doubler: Handler {
    struct Input: Decodable, Sendable { var number: Int }
    static let name = "doubler"
    func run(_ input: Input, _ context: JobContext) -> [String: Int] { ["double": input.number * 2] }
  }
}

@Suite("Patterns of durations")
struct DurationPatternTests {
  /// Anchored by the schema itself, which this test does not look into: it makes the pattern anew.
  private func fits(_ text: String, days: Int, mayBeZero: Bool) throws -> Bool {
    let schema = try JSONDocument.parse(
      Array(Schema.duration(upTo: days * 86_400, mayBeZero: mayBeZero).text.utf8))
    let pattern = try #require(schema.root["pattern"]?.stringValue)
    return try Regex(pattern).wholeMatch(in: text) != nil
  }

  @Test(
    "a pattern takes what the reader takes within the limit, and nothing else",
    arguments: [
      "0s", "0ms", "0.0h", "0.5s", "0.000000001ms", "00d", "1ms", "007m", "29d", "30d", "30.0d", "30.1d", "31d", "720h",
      "719.999h", "721h", "43200m", "43201m", "2592000s", "2592001s", "2592000000ms", "2592000000.000ms",
      "2592000001ms",
      "9999999999s", "0030d", "1", "s", "1 s", "1.s", ".5s", "-1s", "+1s", "1S", "1w", "1e3s", "1.0000000001s", "",
    ])
  func agrees(text: String) throws {
    let duration = DurationText.duration(text)
    let isWithin = duration.map { $0 <= .seconds(30 * 86_400) } ?? false
    #expect(try fits(text, days: 30, mayBeZero: true) == isWithin)
    #expect(try fits(text, days: 30, mayBeZero: false) == (isWithin && duration! > .zero))
  }

  @Test("numbers below a limit are those numbers", arguments: [2, 9, 10, 11, 99, 100, 101, 305, 1000])
  func numbers(limit: Int) throws {
    let pattern = try Regex(Schema.positive(below: limit))
    for number in 0...1200 {
      #expect(try (pattern.wholeMatch(in: "\(number)") != nil) == (number > 0 && number < limit), "\(number)")
    }
  }
}

@Suite("What a client accepts")
struct AcceptedTypesTests {
  @Test(
    "the most specific range decides, and a weight of zero is no",
    arguments: [
      ("*/*", true), ("application/json", true), ("application/*", true), ("APPLICATION/JSON", true),
      ("text/html, application/json;q=0.1", true), ("application/json; charset=utf-8", true), ("text/html", false),
      ("text/*", false), ("application/json;q=0", false), ("application/json;q=0.000, */*", false),
      ("application/*;q=0, application/json", true), ("*/*;q=0", false), ("*/*;q=0, application/*;q=0.5", true),
      ("application/vnd.api+json", false), ("", true), ("nonsense", true), (",,;q=0", true), ("text/html,", false),
      ("text/html, */*;q=0.1", true), ("application/json;Q=0", false),
    ])
  func decides(accept: String, isTaken: Bool) {
    #expect(AcceptedTypes.allow("application/json", in: accept) == isTaken)
  }
}
