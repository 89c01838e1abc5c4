import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("Nothing takes for ever")
struct DeadlineTests {
  private static var short: HTTPServerOptions {
    var options = HTTPServerOptions()
    options.keepAliveTimeout = .milliseconds(150)
    options.headerDeadline = .milliseconds(150)
    options.bodyGrace = .milliseconds(150)
    options.lingerTimeout = .milliseconds(100)
    return options
  }

  @LoopActor
  private static func answer(_ exchange: HTTPExchange) { exchange.respond(HTTPResponse(mediaType: "text/plain", [65])) }

  @Test("a first head that does not end is answered 408")
  func head() async throws {
    try await withServer(Self.short, answer: Self.answer) { server in
      let client = try RawClient(server)
      try client.send("GET / HTTP/1.1\r\nHost:")
      #expect(try client.reply().status == 408)
      #expect(try client.seesEnd())
    }
  }

  @Test("a later head that does not end is answered 408, or ends silently within its request line")
  func laterHead() async throws {
    try await withServer(Self.short, answer: Self.answer) { server in
      let client = try RawClient(server)
      _ = try client.get("/")
      try client.send("GET / HTTP/1.1\r\nHost:")
      #expect(try client.reply().status == 408)
      #expect(try client.seesEnd())
      let other = try RawClient(server)
      _ = try other.get("/")
      try other.send("GET /")
      #expect(try other.seesEnd())
    }
  }

  @Test("a body that comes too slowly is answered 408")
  func body() async throws {
    try await withServer(Self.short, answer: Self.answer) { server in
      let client = try RawClient(server)
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
      let reply = try client.reply()
      #expect(reply.status == 408 && reply.fields["connection"] == "close")
      #expect(try client.seesEnd())
      #expect(await server.eventually { $0.connectionCount == 0 && $0.requestsInFlight == 0 })
    }
  }

  @Test("a connection without a request ends silently, before its first and after its last")
  func idle() async throws {
    try await withServer(Self.short, answer: Self.answer) { server in
      let fresh = try RawClient(server)
      let used = try RawClient(server)
      _ = try used.get("/")
      #expect(try fresh.seesEnd())
      #expect(try used.seesEnd())
    }
  }

  @Test("an application that does not answer is answered for, and may answer later in vain")
  func answerDeadline() async throws {
    var options = HTTPServerOptions()
    options.answerDeadline = .milliseconds(100)
    let held = Signal<HTTPExchange>()
    try await withServer(options) { exchange in
      held.set(exchange)
    } _: { server in
      let client = try RawClient(server)
      let reply = try client.get("/")
      #expect(reply.status == 503 && reply.fields["retry-after"] != nil)
      await LoopActor.run { held.value?.respond(Problem(404)) }
    }
  }

  @Test("a client that takes nothing of its reply is let go")
  func stalled() async throws {
    var options = HTTPServerOptions()
    options.sendStallTimeout = .milliseconds(200)
    let began = Signal<Bool>()
    try await withServer(options) { exchange in
      began.set(true)
      exchange.respond(HTTPResponse(mediaType: "x/y", [UInt8](repeating: 1, count: 32 * 1024 * 1024)))
    } _: { server in
      let client = try RawClient(server)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await server.eventually { _ in began.value == true })
      #expect(await server.eventually { $0.connectionCount == 0 })
      #expect(throws: RawClient.Failure.closed) { try client.reply() }
    }
  }

  @Test("a client that leaves while it waits is noticed")
  func clientLeaves() async throws {
    let gone = Signal<Bool>()
    try await withServer { exchange in
      exchange.onClientGone = { gone.set(true) }
    } _: { server in
      var client: RawClient? = try RawClient(server)
      try client?.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await server.eventually { $0.requestsInFlight == 1 })
      client = nil
      #expect(await server.eventually { _ in gone.value == true })
      #expect(await server.eventually { $0.connectionCount == 0 })
    }
  }

  @Test("a client that leaves in the same moment as it sends is noticed")
  func clientLeavesWithLastBytes() async throws {
    try await withServer(answer: Self.answer) { server in
      for _ in 0..<20 {
        let client = try RawClient(server)
        _ = try client.get("/")
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
      }
      #expect(await server.eventually(within: .seconds(20)) { $0.connectionCount == 0 && $0.requestsInFlight == 0 })
    }
  }

  @Test("beyond the connection limit clients wait in the kernel's queue until there is room")
  func connectionLimit() async throws {
    var options = HTTPServerOptions()
    options.connectionLimit = 2
    try await withServer(options, answer: Self.answer) { server in
      var first: RawClient? = try RawClient(server)
      let second = try RawClient(server)
      _ = try first?.get("/")
      _ = try second.get("/")
      let third = try RawClient(server)
      try third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try second.get("/")
      #expect(await LoopActor.run { server.server.connectionCount } == 2)
      first = nil
      #expect(try third.reply().text == "A")
    }
  }
}
