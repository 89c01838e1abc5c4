import Testing

@Suite("The contract as it is served", .serialized, .server("--acceptors", "1", "--workers", "1"))
struct ContractTests {
  let server = ServerProcess.current

  @Test("it is OpenAPI 3.1, has an entity tag, and knows each handler's input")
  func document() throws {
    let reply = try server.get("/openapi.json")
    #expect(reply.status == 200 && reply["content-type"] == "application/json")
    let json = try reply.json
    #expect(json["openapi"] == "3.1.0")
    let primes = json["components"]["schemas"]["Args_count_primes"]["properties"]["below"]
    #expect(primes["minimum"].int == 2 && primes["maximum"].int == 1_000_000_000_000)
    #expect(json["paths"]["/v1/run/count_primes"]["post"]["requestBody"]["required"] == true)
    let tag = try #require(reply["etag"])
    let again = try server.get("/openapi.json", "If-None-Match: \(tag)")
    #expect(again.status == 304 && again["etag"] == tag && again.body.isEmpty)
    #expect(try server.get("/openapi.json", "If-None-Match: \"other\"").status == 200)
  }

  @Test("each GET is there to be asked for, and HEAD answers as GET does, without the body")
  func heads() throws {
    let id = try server.submit("noop")
    try server.end(of: id)
    let schedule = Array(#"{"cron": "@yearly", "job": {"handler": "noop"}}"#.utf8)
    #expect(try server.client().exchange("PUT", "/v1/schedules/noop", body: schedule).status == 201)
    let batch = try server.submitBatch("noop", ["{}"])
    let paths = try server.get("/openapi.json").json["paths"].members
    var count = 0
    for (template, item) in paths where item["get"] != .null && template != "/v1/events" {
      let thing = template.hasPrefix("/v1/batches/") ? batch : id
      let path = template.replacing("{id}", with: thing).replacing("{name}", with: "noop")
      let get = try server.get(path)
      let head = try server.head(path)
      #expect(get.status == 200 && head.status == 200, "\(path): \(get)")
      #expect(head["content-type"] == get["content-type"] && head.body.isEmpty, "\(path)")
      count += 1
    }
    #expect(count >= 12)
  }

  @Test("an escaped path is the same path")
  func escapes() throws {
    for path in ["/v1/%6Aobs", "/%76%31/jobs", "/v1/handlers/%6eoop", "/%6cive%7a"] {
      #expect(try server.get(path).status == 200, "\(path)")
    }
  }

  @Test("the page to read needs no script, and names every operation of the document")
  func page() throws {
    let reply = try server.get("/reference")
    #expect(reply.status == 200 && reply["content-type"] == "text/html; charset=utf-8")
    let policy = try #require(reply["content-security-policy"])
    #expect(policy.contains("default-src 'none'") && !policy.contains("script") && !policy.contains("unsafe"))
    #expect(!reply.text.contains("<script") && !reply.text.contains("style=") && !reply.text.contains("http://"))
    for (path, item) in try server.get("/openapi.json").json["paths"].members {
      for (_, operation) in item.members where !path.hasPrefix("/v1/run/") {
        #expect(try reply.text.contains("id=\"\(#require(operation["operationId"].string))\""))
      }
    }
  }

  /// The other documents are held against their schemas by `Tests/Contract/run`, which cannot read lines.
  @Test("a line of a batch's results has the members that the document says")
  func resultLines() throws {
    let schema = try server.get("/openapi.json").json["components"]["schemas"]["BatchResult"]
    let known = Set(schema["properties"].members.keys)
    let required = Set(schema["required"].items.compactMap(\.string))
    var seen: Set<String> = []
    for (handler, input) in [("noop", "{}"), ("fail", "{}"), ("mandelbrot", #"{"width": 8, "height": 8}"#)] {
      let line = try #require(try server.results(server.submitBatch(handler, [input])).next())
      let members = Set(line.members.keys)
      #expect(members.isSubset(of: known) && members.isSuperset(of: required), "\(line)")
      seen.formUnion(members)
    }
    #expect(!known.isEmpty && seen == known)
  }

  @Test("numbers and strings come back exactly as they were sent, in arguments and in results")
  func exactness() throws {
    let exact =
      #"{"big": 123456789012345678901234567890, "long": 0.1000000000000000055511151231257827021181583404541015625, "#
      + #""exponent": 1E+2, "minus": -0.0, "text": "\u00e9\/\ud83d\ude00", "空": [1,  2]}"#
    let reply = try server.post("/v1/run/echo", exact)
    #expect(reply.status == 200 && reply.text == exact)
    let id = try server.submit("echo", exact, #""metadata": \#(exact)"#)
    try server.end(of: id)
    let job = try server.get("/v1/jobs/\(id)").text
    for member in ["args", "result", "metadata"] { #expect(job.contains("\"\(member)\":\(exact)"), "\(member)") }
    #expect(try server.get("/v1/jobs/\(id)/result").text == exact)
    #expect(try server.get("/v1/jobs?handler=echo&limit=1").text.contains(exact))
  }
}
