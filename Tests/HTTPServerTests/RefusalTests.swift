import EventLoop
import Testing

@testable import HTTPServer

@Suite("What is not a good request is refused so that the client can read why")
struct RefusalTests {
  @LoopActor
  private static func answer(_ exchange: HTTPExchange) { exchange.respond(HTTPResponse(mediaType: "text/plain", [65])) }

  static let bad: [(String, Int)] = [
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n", 400),
    ("GET / HTTP/1.1\nHost: a\n\n", 400),
    ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    ("GET /a%00b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\nabc", 501),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: y\u{0}z\r\n\r\n", 400),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}\u{0}b\u{0}c\r\n\r\n", 400),
    ("GET /\(String(repeating: "a", count: 8192)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 64))\r\n", 431),
    ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "y", count: 17000))\r\n\r\n", 431),
  ]

  @Test("as the first request of a connection", arguments: bad)
  func first(_ request: String, _ status: Int) async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      try client.send(request)
      let reply = try client.reply()
      #expect(reply.status == status)
      #expect(reply.fields["content-type"] == "application/problem+json")
      #expect(reply.fields["date"]?.hasSuffix(" GMT") == true)
    }
  }

  /// What libmicrohttpd answers by itself once a connection is its own.
  static let badToLibrary: [(String, Int)] = [
    ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\nabc", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc", 413),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nabc\r\n", 413),
  ]

  @Test("as a later request, which libmicrohttpd alone has read", arguments: bad + badToLibrary)
  func later(_ request: String, _ status: Int) async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      #expect(try client.get("/a?b=c").text == "A")
      try client.send(request)
      let reply = try client.reply()
      #expect(reply.status == status)
      #expect(reply.fields["content-type"] == "application/problem+json")
      #expect(reply.fields["content-length"].flatMap { Int($0) } == reply.body.count)
    }
  }

  @Test("a refused client that goes on sending still sees the reply")
  func lingering() async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
      try client.send([UInt8](repeating: 0, count: 1_000_000))
      let reply = try client.reply()
      #expect(reply.status == 413 && reply.fields["connection"] == "close")
      #expect(try client.seesEnd())
    }
  }

  @Test("the largest head that is allowed is served, first and later")
  func largestHead() async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      var head = "GET /\(String(repeating: "a", count: 8000)) HTTP/1.1\r\nHost: a\r\n"
      head += "Cookie: \(String(repeating: "a=\(String(repeating: "b", count: 120));", count: 16).dropLast())\r\n"
      for _ in 0..<45 { head += "X: y\r\n" }
      head += "Z: \(String(repeating: "z", count: 16 * 1024 - head.utf8.count - 7))\r\n\r\n"
      #expect(head.utf8.count == 16 * 1024)
      for _ in 0..<3 {
        try client.send(head)
        #expect(try client.reply().text == "A")
      }
    }
  }

  @Test("a path is decoded, an absolute target is understood, and a query is read strictly")
  func targets() async throws {
    try await withServer { exchange in
      do throws(Problem) {
        let query = try exchange.head.query()
        let text = "\(exchange.head.path) \(query.items.map { "\($0.name)=\($0.value)" }) \(exchange.head.target)"
        exchange.respond(HTTPResponse(mediaType: "text/plain", Array(text.utf8)))
      } catch {
        exchange.respond(error)
      }
    } _: { server in
      let client = try RawClient(server)
      #expect(
        try client.get("/a%20b/%C3%A9/../x?n=1%2B1&m=a+b&m=&k").text
          == #"/a b/é/../x ["n=1+1", "m=a b", "m=", "k="] /a%20b/%C3%A9/../x?n=1%2B1&m=a+b&m=&k"#)
      #expect(try client.get("http://else.where/p?q").text.hasPrefix(#"/p ["q="]"#))
      #expect(try client.get("http://else.where").text.hasPrefix("/ []"))
      #expect(try client.get("/?").text.hasPrefix("/ []"))
      #expect(try client.get("/x?a=%GG").status == 400)
      #expect(try client.get("/x?a=%ff").status == 400)
      #expect(try client.get("/x?a=%00").status == 400)
      #expect(try client.get("/x?\(String(repeating: "a&", count: 4000))").status == 200)
      #expect(try client.get("/a{b").status == 400)
      #expect(try client.get("/still/here").status == 200)
    }
  }
}
