import Testing

/// Requests no careful server acts on, and what they must be answered.
@Suite("Malformed requests", .serialized, .server("--acceptors", "1"))
struct MalformedRequestTests {
  let server = ServerProcess.current

  struct Bad: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: String
    let statuses: Set<Int>
    /// The fault lies behind a good head, where libmicrohttpd answers with a page of its own.
    let isBehindTheHead: Bool

    init(_ name: String, _ bytes: String, _ statuses: Set<Int> = [400], behindTheHead: Bool = false) {
      testDescription = name
      self.bytes = bytes
      self.statuses = statuses
      isBehindTheHead = behindTheHead
    }
  }

  private static let post = "POST /v1/run/echo HTTP/1.1\r\nHost: localhost\r\n"
  private static let get = "GET /livez HTTP/1.1\r\nHost: localhost\r\n"
  private static let long = String(repeating: "x", count: 40_000)

  static let table = [
    // Framing: where two servers in a row could see different bodies (RFC 9112, sections 6 and 11.2).
    Bad(
      "Content-Length and Transfer-Encoding",
      post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Bad("two different Content-Lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    Bad("a list of Content-Lengths", post + "Content-Length: 2, 3\r\n\r\n{}"),
    Bad("a negative Content-Length", post + "Content-Length: -1\r\n\r\n"),
    Bad("a signed Content-Length", post + "Content-Length: +2\r\n\r\n{}"),
    Bad("a hexadecimal Content-Length", post + "Content-Length: 0x2\r\n\r\n{}"),
    Bad("an empty Content-Length", post + "Content-Length: \r\n\r\n"),
    Bad("a Content-Length beyond 64 bits", post + "Content-Length: 99999999999999999999\r\n\r\n", [400, 413]),
    Bad("an unknown Transfer-Encoding", post + "Transfer-Encoding: gzip\r\n\r\n", [501]),
    Bad("chunked under another coding", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", [400, 501]),
    Bad("two Transfer-Encodings", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Bad("Transfer-Encoding in HTTP/1.0", "POST /v1/run/echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    Bad("a chunk size that is no number", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", behindTheHead: true),
    Bad("a negative chunk size", post + "Transfer-Encoding: chunked\r\n\r\n-2\r\n", behindTheHead: true),
    Bad(
      "a chunk longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}{}\r\n", behindTheHead: true),
    Bad(
      "a chunk size beyond 64 bits", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", [400, 413],
      behindTheHead: true),
    // The head's form (RFC 9112, sections 2, 3 and 5).
    Bad("two Hosts", "GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n"),
    Bad("no Host", "GET /livez HTTP/1.1\r\n\r\n"),
    Bad("a Host with a blank", "GET /livez HTTP/1.1\r\nHost: local host\r\n\r\n"),
    Bad("a Host with a path", "GET /livez HTTP/1.1\r\nHost: localhost/x\r\n\r\n"),
    Bad("bare line feeds", "GET /livez HTTP/1.1\nHost: localhost\n\n"),
    Bad("one bare line feed", "GET /livez HTTP/1.1\r\nHost: localhost\nX: y\r\n\r\n"),
    Bad("a bare carriage return", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX: a\rb\r\n\r\n"),
    Bad("a folded line", get + "X-Long: one\r\n two\r\n\r\n"),
    Bad("a blank before the colon", get + "X-Blank : y\r\n\r\n"),
    Bad("a line without a colon", get + "nonsense\r\n\r\n"),
    Bad("a field without a name", get + ": value\r\n\r\n"),
    Bad("a blank line's place taken by blanks", get + " \r\n\r\n"),
    Bad("a NUL in a value", get + "X-Nul: a\u{0}b\r\n\r\n"),
    Bad("a NUL in a name", get + "X\u{0}Nul: ab\r\n\r\n"),
    Bad("a control character in a value", get + "X-Bell: \u{7}\r\n\r\n"),
    // The request line.
    Bad("a bad escape in the path", "GET /v1/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("half an escape at the path's end", "GET /v1/jobs%2 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("an escaped NUL in the path", "GET /livez%00.html HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("a path that is not UTF-8", "GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("a path with a raw NUL", "GET /li\u{0}vez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("a blank in the target", "GET /liv ez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("a target without a slash", "GET livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("a method with a bracket", "G[ET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("no method", " /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("a very long method", "\(long.prefix(500)) /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", [400, 501]),
    Bad("CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", [400, 405, 501]),
    Bad("HTTP/3.0", "GET /livez HTTP/3.0\r\nHost: localhost\r\n\r\n", [505]),
    Bad("HTTP/1.10", "GET /livez HTTP/1.10\r\nHost: localhost\r\n\r\n", [400, 505]),
    Bad("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505]),
    Bad("no version", "GET /livez\r\n\r\n"),
    Bad("another protocol", "GET /livez FTP/1.1\r\nHost: localhost\r\n\r\n"),
    Bad("a TLS greeting", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n"),
    // Sizes.
    Bad("a huge header", get + "X-Long: \(long)\r\n\r\n", [431]),
    Bad("a thousand headers", get + (0..<1000).map { "X-\($0): y\r\n" }.joined() + "\r\n", [431]),
    Bad("a huge target", "GET /\(long) HTTP/1.1\r\nHost: localhost\r\n\r\n", [414]),
    Bad("a huge query", "GET /v1/jobs?\(long) HTTP/1.1\r\nHost: localhost\r\n\r\n", [414]),
    Bad("a body where none belongs", get + "Content-Length: 5\r\n\r\nhello", [400, 413]),
  ]

  @Test("it is answered with a problem, the connection ends, and the next one works", arguments: table)
  func refused(_ bad: Bad) throws {
    let client = try server.client()
    try client.send(bad.bytes)
    let reply = try client.reply()
    #expect(bad.statuses.contains(reply.status), "\(reply)")
    #expect(reply.isProblem || bad.isBehindTheHead, "\(reply)")
    // What follows a head in doubt must not be taken for another request.
    let isPathOnly = bad.testDescription.contains("path")
    if !isPathOnly {
      client.finishSending()
      #expect(try client.toEnd().isEmpty)
    }
    #expect(try server.get("/livez").status == 200)
  }

  @Test("a request smuggled behind a malformed one is not answered, on a fresh and on a used connection")
  func smuggled() throws {
    let hidden = "GET /v1/processes HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for bad in Self.table.prefix(16) {
      for isUsed in [false, true] {
        let client = try server.client()
        if isUsed { #expect(try client.exchange("GET", "/livez").status == 200) }
        try client.send(bad.bytes + hidden)
        client.finishSending()
        let heard = String(decoding: try client.toEnd(), as: UTF8.self)
        #expect(!heard.contains("\"role\"") && !heard.contains(" 200 "), "\(bad.testDescription): \(heard)")
      }
    }
  }

  /// From the second request on libmicrohttpd reads the head first, and answers some faults with a page of its own, or
  /// with no reply at all; what counts is that it acts on none.
  @Test("after a good request on the same connection it is refused as well", arguments: table)
  func refusedLater(_ bad: Bad) throws {
    let client = try server.client()
    #expect(try client.exchange("GET", "/livez").status == 200)
    try client.send(bad.bytes)
    do {
      let reply = try client.reply()
      #expect((400...599).contains(reply.status), "\(reply)")
    } catch HTTPClient.Failure.ended {
      // Refused without a word.
    }
    #expect(try server.get("/livez").status == 200)
  }

  @Test("requests that were sent ahead are answered one after the other, in order")
  func pipelined() throws {
    let client = try server.client()
    let body = #"{"handler": "noop"}"#
    let run = Self.post + "Content-Length: 2\r\n\r\n[]"
    try client.send(Self.get + "\r\n" + run + "GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try client.send("POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    #expect(try (0..<4).map { _ in try client.reply().status } == [200, 200, 404, 202])
  }

  @Test("a request that comes byte by byte is answered as any other")
  func trickle() throws {
    let client = try server.client()
    let chunks = "3;ext=1\r\n[1,\r\n2\r\n2]\r\n0\r\nTrailer: x\r\n\r\n"
    for byte in (Self.post + "Transfer-Encoding: chunked\r\n\r\n" + chunks).utf8 { try client.send([byte]) }
    let reply = try client.reply()
    #expect(reply.status == 200 && reply.text == "[1,2]")
    #expect(try client.exchange("GET", "/livez").status == 200)
  }

  @Test("a client that leaves in the middle of a request does no harm")
  func leavers() throws {
    for part in ["", "GE", "GET /livez HTTP/1.1\r\nHo", Self.post + "Content-Length: 100\r\n\r\nhalf"] {
      let client = try server.client()
      try client.send(part)
    }
    let waiting = try server.client()
    let id = try server.submit("sleep", #"{"seconds": 60}"#)
    try waiting.send("GET /v1/jobs/\(id)?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    try server.cancel(id)
    #expect(try server.get("/livez").status == 200)
  }

  @Test("an HTTP/1.0 client needs no Host, and its connection is closed after the reply")
  func oldClient() throws {
    let client = try server.client()
    try client.send("GET /livez HTTP/1.0\r\n\r\n")
    let reply = try client.reply()
    #expect(reply.status == 200 && reply.text == "alive\n")
    #expect(try client.toEnd().isEmpty)
  }
}
