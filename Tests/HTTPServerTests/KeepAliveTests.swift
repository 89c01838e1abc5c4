import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("Replies leave a connection that goes on")
struct KeepAliveTests {
  private static let ready = PreparedResponse(
    headers: [HTTPField("Content-Type", "text/plain"), HTTPField("ETag", "\"one\"")], bytes: Array("prepared".utf8))

  @LoopActor
  private static func answer(_ exchange: HTTPExchange) {
    switch exchange.head.path {
    case "/prepared":
      let response = HTTPResponse(ready)
      exchange.respond(exchange.head.headerEquals("If-None-Match", "\"one\"") ? response.notModified() : response)
    case "/bytes":
      let response = HTTPResponse(mediaType: "text/plain", Array("some bytes".utf8))
      exchange.respond(exchange.head.header("If-None-Match") != nil ? response.notModified() : response)
    case "/stream":
      let stream = ResponseStream()
      exchange.respond(HTTPResponse(status: 200, body: .stream(stream)))
      stream.write(Array("streamed".utf8))
      stream.finish()
    case "/none": exchange.respond(HTTPResponse(status: 204))
    case "/later": EpollLoop.shared.schedule(after: .milliseconds(5)) { exchange.respond(ready) }
    default: exchange.respond(Problem(404, "There is nothing here."))
    }
  }

  @Test("a connection that was idle goes on where it stopped, in the middle of a request line too")
  func idle() async throws {
    try await withServer(answer: Self.answer) { server in
      let (quiet, halfway) = (try RawClient(server), try RawClient(server))
      #expect(try quiet.get("/bytes").text == "some bytes")
      try halfway.send("GET /bytes HTTP/1.1\r\nHost: test\r\n\r\nGET /by")
      #expect(try halfway.reply().text == "some bytes")
      // Longer than idle connections keep their memory.
      await withCheckedContinuation { continuation in
        Task { @LoopActor in
          EpollLoop.shared.schedule(after: .seconds(4)) { continuation.resume() }
        }
      }
      try halfway.send("tes HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try halfway.reply().text == "some bytes")
      #expect(try quiet.get("/bytes").text == "some bytes")
      #expect(try quiet.get("/prepared").text == "prepared")
    }
  }

  @Test("GET, HEAD, 304, 204, errors and streams follow one another on one connection")
  func sequence() async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      for path in ["/prepared", "/bytes", "/later", "/stream", "/none", "/prepared"] {
        let reply = try client.get(path)
        #expect(reply.status == (path == "/none" ? 204 : 200))
        #expect(reply.fields["date"] != nil)
        #expect(reply.fields["connection"] == nil)
      }
      try client.send("HEAD /prepared HTTP/1.1\r\nHost: test\r\n\r\n")
      let head = try client.reply(toHead: true)
      #expect(head.status == 200 && head.fields["content-length"] == "8")
      try client.send("HEAD /bytes HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try client.reply(toHead: true).fields["content-length"] == "10")
      try client.send("HEAD /gone HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try client.reply(toHead: true).status == 404)
      let unchanged = try client.get("/prepared", "If-None-Match: \"one\"\r\n")
      #expect(unchanged.status == 304 && unchanged.fields["content-length"] == "8")
      #expect(unchanged.fields["etag"] == "\"one\"")
      #expect(try client.get("/bytes", "If-None-Match: x\r\n").fields["content-length"] == "10")
      let missing = try client.get("/gone")
      #expect(missing.status == 404)
      #expect(missing.fields["content-type"] == "application/problem+json")
      #expect(
        missing.text
          == #"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing here."}"#)
      #expect(try client.get("/bytes").text == "some bytes")
    }
  }

  @Test("requests sent ahead are answered in order")
  func pipelining() async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      let line = "HTTP/1.1\r\nHost: test\r\n"
      try client.send(
        "GET /bytes \(line)\r\nHEAD /bytes \(line)\r\nGET /later \(line)\r\nGET /gone \(line)\r\n"
          + "GET /prepared \(line)If-None-Match: \"one\"\r\n\r\nGET /stream \(line)\r\nGET /bytes \(line)\r\n")
      #expect(try client.reply().text == "some bytes")
      #expect(try client.reply(toHead: true).status == 200)
      #expect(try client.reply().text == "prepared")
      #expect(try client.reply().status == 404)
      #expect(try client.reply().status == 304)
      #expect(try client.reply().text == "streamed")
      #expect(try client.reply().text == "some bytes")
    }
  }

  @Test("HEAD of a body without a length ends the connection instead of confusing it")
  func headOfStream() async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      try client.send("HEAD /stream HTTP/1.1\r\nHost: test\r\n\r\n")
      let head = try client.reply(toHead: true)
      #expect(head.status == 200 && head.fields["connection"] == "close")
      #expect(try client.seesEnd())
    }
  }

  @Test("HTTP/1.0 gets an unchunked stream and the end of the connection")
  func versionOneZero() async throws {
    try await withServer(answer: Self.answer) { server in
      let client = try RawClient(server)
      try client.send("GET /stream HTTP/1.0\r\n\r\n")
      let reply = try client.reply()
      #expect(reply.text == "streamed" && reply.fields["transfer-encoding"] == nil)
      let other = try RawClient(server)
      try other.send("GET /bytes HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      #expect(try other.reply().text == "some bytes")
      try other.send("GET /bytes HTTP/1.0\r\n\r\n")
      #expect(try other.reply().fields["connection"] == "close")
    }
  }

  @Test("while draining every reply closes its connection; idle ones may be used once more until they are closed")
  func draining() async throws {
    try await withServer(answer: Self.answer) { server in
      let idle = try RawClient(server)
      _ = try idle.get("/bytes")
      let used = try RawClient(server)
      _ = try used.get("/bytes")
      let fresh = try RawClient(server)
      let busy = try RawClient(server)
      try busy.send("GET /prepared HTTP/1.1\r\nHo")
      #expect(await server.eventually { $0.connectionCount == 4 })
      await LoopActor.run { server.server.closeAfterReply = true }
      try used.send("GET /bytes HTTP/1.1\r\nHost: test\r\n\r\n")
      #expect(try used.reply().fields["connection"] == "close")
      await LoopActor.run { server.server.closeIdle() }
      #expect(try idle.seesEnd())
      #expect(try fresh.seesEnd())
      try busy.send("st: test\r\n\r\n")
      let last = try busy.reply()
      #expect(last.text == "prepared" && last.fields["connection"] == "close")
      #expect(try busy.seesEnd())
    }
  }

  @Test("a Unix socket is served like any other, and the client's address is told for each")
  func addresses() async throws {
    let path = "/tmp/http-tests-\(getpid()).sock"
    unlink(path)
    defer { unlink(path) }
    @LoopActor func address(_ exchange: HTTPExchange) {
      let text = exchange.head.client.map { "\($0)" } ?? "none"
      exchange.respond(HTTPResponse(mediaType: "text/plain", Array(text.utf8)))
    }
    let server = try await TestServer(unixPath: path, answer: address)
    let local = try RawClient(unixPath: path)
    #expect(try local.get("/").text == "unix")
    #expect(try local.get("/").text == "unix")
    await server.stop()
    try await withServer(answer: address) { server in
      let remote = try RawClient(server)
      #expect(try remote.get("/").text == "127.0.0.1")
    }
  }

  @Test("a closing server ends what is suspended, and tells the application")
  func closing() async throws {
    let gone = Signal<Bool>()
    let server = try await TestServer { exchange in
      exchange.onClientGone = { gone.set(true) }
    }
    let client = try RawClient(server)
    try client.send("GET / HTTP/1.1\r\nHost: test\r\n\r\n")
    #expect(await server.eventually { $0.requestsInFlight == 1 })
    await server.stop()
    #expect(await LoopActor.run { gone.value } == true)
    #expect(try client.seesEnd())
    #expect(await LoopActor.run { server.server.connectionCount } == 0)
  }
}
