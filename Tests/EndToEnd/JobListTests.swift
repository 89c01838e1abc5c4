import Testing

@Suite("The list of jobs", .serialized, .server())
struct JobListTests {
  let server = ServerProcess.current

  /// Walks the pages from the first on.
  private func walk(_ query: String) throws -> [JSON] {
    var jobs: [JSON] = []
    var target = "/v1/jobs?\(query)"
    // More pages than there can be: a cursor that goes in circles must not hold up the test.
    for _ in 0..<100 {
      let page = try server.get(target)
      #expect(page.status == 200)
      jobs += try page.json["jobs"].items
      guard let cursor = try page.json["next_cursor"].string else {
        #expect(page["link"] == nil)
        return jobs
      }
      let link = try #require(page["link"])
      #expect(link.contains("cursor=\(cursor)") && link.hasSuffix("; rel=\"next\""))
      target = String(link.dropFirst().prefix { $0 != ">" })
    }
    throw NeverHappened(description: "the walk over \(query) has an end")
  }

  @Test("a walk by cursors over 120 jobs meets each one once, newest first, while others are added")
  func cursorWalk() throws {
    let client = try server.client()
    var ids: [String] = []
    for _ in 0..<120 {
      let reply = try client.exchange("POST", "/v1/jobs", body: Array(#"{"handler": "noop"}"#.utf8))
      ids.append(try #require(reply.json["id"].string))
    }
    let first = try server.get("/v1/jobs?handler=noop&limit=7")
    #expect(try first.json["jobs"].items.compactMap { $0["id"].string } == Array(ids.reversed().prefix(7)))
    let cursor = try #require(first.json["next_cursor"].string)
    _ = try server.submit("noop")
    let second = try server.get("/v1/jobs?handler=noop&limit=7&cursor=\(cursor)")
    let secondIds = try second.json["jobs"].items.compactMap { $0["id"].string }
    #expect(secondIds == Array(ids.reversed()[7..<14]))

    let walked = try walk("handler=noop&limit=7").compactMap { $0["id"].string }
    #expect(Array(walked.filter(Set(ids).contains)) == ids.reversed())
    #expect(Set(walked).count == walked.count)
    #expect(try server.get("/v1/jobs").json["jobs"].items.count == 50)
  }

  @Test("a list is filtered by state and by handler")
  func filters() throws {
    let failed = try server.submit("fail")
    try server.end(of: failed)
    let waiting = try server.submit("fail", "{}", #""delay": "1h""#)
    func ids(_ query: String) throws -> [String] { try walk(query).compactMap { $0["id"].string } }
    #expect(try ids("state=failed") == [failed])
    #expect(try ids("handler=fail") == [waiting, failed])
    #expect(try ids("handler=fail&state=scheduled") == [waiting])
    #expect(try ids("handler=fail&state=running") == [])
    #expect(try ids("handler=nobody") == [])
    try server.cancel(waiting)
    #expect(try ids("state=cancelled&handler=fail") == [waiting])
  }

  @Test(
    "a query that makes no sense is 400",
    arguments: [
      "state=done", "state=", "limit=0", "limit=201", "limit=-1", "limit=many", "handler=", "cursor=nonsense",
      "cursor=", "cursor=019a0000-0000-7000-8000-000000000000", "page=2", "state=failed&state=queued", "wait=5",
      "state=%zz",
    ])
  func badQueries(_ query: String) throws {
    let reply = try server.get("/v1/jobs?\(query)")
    #expect(reply.status == 400 && reply.isProblem, "\(reply)")
  }
}
