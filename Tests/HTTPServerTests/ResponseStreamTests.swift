import EventLoop
import Testing

@testable import HTTPServer

@Suite("Streams send what is written when it is written")
struct ResponseStreamTests {
  @Test("each piece arrives before the next is written, and the connection goes on")
  func pieces() async throws {
    let stream = Signal<ResponseStream>()
    try await withServer { exchange in
      let new = ResponseStream()
      stream.set(new)
      exchange.respond(
        HTTPResponse(status: 200, headers: [HTTPField("Content-Type", "text/event-stream")], body: .stream(new)))
    } _: { server in
      let client = try RawClient(server)
      for _ in 0..<2 {
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.head().fields["transfer-encoding"] == "chunked")
        for text in ["one", "two", "three"] {
          await LoopActor.run { _ = stream.value?.write(Array(text.utf8)) }
          #expect(try client.chunk() == Array(text.utf8))
        }
        await LoopActor.run { stream.value?.finish() }
        #expect(try client.chunk() == nil)
      }
    }
  }

  @Test("a full buffer says so, and drains when the client reads")
  func backpressure() async throws {
    let total = Signal<Int>()
    try await withServer { exchange in
      let stream = ResponseStream(bufferLimitBytes: 100_000)
      var sent = 0
      @LoopActor func more() {
        while sent < 20_000_000 {
          sent += 10_000
          if !stream.write([UInt8](repeating: 5, count: 10_000)) { return }
        }
        total.set(sent)
        stream.finish()
      }
      stream.onDrain = { more() }
      exchange.respond(HTTPResponse(status: 200, body: .stream(stream)))
      more()
    } _: { server in
      let client = try RawClient(server)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(await server.eventually { $0.requestsInFlight == 1 })
      #expect(await LoopActor.run { total.value } == nil)
      let reply = try client.reply()
      #expect(reply.body.count == 20_000_000 && reply.body.allSatisfy { $0 == 5 })
    }
  }

  @Test("a client that leaves is noticed while nothing is sent")
  func clientLeaves() async throws {
    let gone = Signal<Bool>()
    let stream = Signal<ResponseStream>()
    try await withServer { exchange in
      let new = ResponseStream()
      new.onClientGone = { gone.set(true) }
      stream.set(new)
      exchange.respond(HTTPResponse(status: 200, body: .stream(new)))
    } _: { server in
      var client: RawClient? = try RawClient(server)
      try client?.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try client?.head()
      client = nil
      #expect(await server.eventually { _ in gone.value == true })
      #expect(await server.eventually { $0.connectionCount == 0 })
      #expect(await LoopActor.run { stream.value?.write([1]) } == false)
    }
  }

  @Test("a stream that fails is seen as cut short")
  func failure() async throws {
    try await withServer { exchange in
      let stream = ResponseStream()
      exchange.respond(HTTPResponse(status: 200, body: .stream(stream)))
      stream.write([1, 2, 3])
      stream.fail()
    } _: { server in
      let client = try RawClient(server)
      #expect(throws: RawClient.Failure.self) { try client.get("/") }
    }
  }
}
