import HandlerAPI
import OutgoingHTTP
import Synchronization
import Testing

@testable import Handlers

@Suite struct HTTPFetchTests {
  private let server: WebServer

  init() throws { server = try WebServer.shared.get() }

  private func fetch(
    _ url: String, isHead: Bool = false, headers: [String: String] = [:], maxBytes: Int = 1_000_000,
    timeLimit: Duration = .seconds(20), mayConnect: @escaping @Sendable (IPAddress) -> Bool = { _ in true }
  ) async throws -> FetchResponse {
    let request = FetchRequest(
      url: url, method: isHead ? .head : .get, headers: headers, maxBytes: maxBytes, timeLimit: timeLimit,
      deadline: nil,
      mayConnect: mayConnect)
    return try await FetchLoop.shared.get().fetch(request) { _, _ in }
  }

  private func text(_ response: FetchResponse) -> String { String(decoding: response.body, as: UTF8.self) }

  private func failure(_ body: () async throws -> FetchResponse) async -> String {
    let error = await #expect(throws: FetchError.self) { _ = try await body() }
    return error?.message ?? ""
  }

  @Test("fetches a page, with its headers in lower case and repeated ones joined")
  func page() async throws {
    let response = try await fetch(server.url("/hello"))
    #expect(response.status == 200)
    #expect(text(response) == "grüß dich")
    #expect(response.headers["x-two"] == "a, b")
    #expect(response.headers["content-length"] == "11")
    #expect(response.url == server.url("/hello"))
  }

  @Test("a status of failure is a result")
  func missing() async throws {
    let response = try await fetch(server.url("/missing"))
    #expect(response.status == 404)
    #expect(text(response) == "nothing here")
  }

  @Test("HEAD brings headers and no body")
  func head() async throws {
    let response = try await fetch(server.url("/large?5000000"), isHead: true)
    #expect(response.status == 200 && response.body.isEmpty)
    #expect(response.headers["content-length"] == "5000000")
  }

  @Test("sends the headers asked for, empty ones too")
  func headers() async throws {
    let sent = text(
      try await fetch(server.url("/headers"), headers: ["X-A": "b c", "X-Empty": "", "User-Agent": "me"]))
    #expect(sent.contains("X-A: b c\n"))
    #expect(sent.contains("X-Empty: \n") || sent.contains("X-Empty:\n"))
    #expect(sent.contains("User-Agent: me\n"))
    #expect(!sent.contains("millrace"))
  }

  @Test("follows five redirects, and not a sixth")
  func redirects() async throws {
    let response = try await fetch(server.url("/count?5"))
    #expect(text(response) == "arrived")
    #expect(response.url == server.url("/count?0"))
    #expect(await failure { try await fetch(server.url("/count?6")) } == "more than 5 redirects")
  }

  @Test(
    "an address that is not public is refused before anything is sent", arguments: ["127.0.0.1", "localhost", "127.1"])
  func privateAddress(host: String) async {
    let message = await failure { try await fetch("http://\(host):\(server.port)/hello", mayConnect: \.isPublic) }
    #expect(message.contains("not on the public internet"))
  }

  @Test("the handler itself refuses private addresses unless the operator allows them")
  func handlerRefuses() async {
    let error = await #expect(throws: HandlerError.self) {
      _ = try await HTTPFetch().run(.init(url: server.url("/hello")), Recorder().context())
    }
    #expect(error?.message.contains("not on the public internet") == true)
  }

  @Test("a connection left open by an earlier fetch is not used past the check")
  func idleConnection() async throws {
    _ = try await fetch(server.url("/hello"))
    let message = await failure { try await fetch(server.url("/hello"), mayConnect: \.isPublic) }
    #expect(message.contains("not on the public internet"))
  }

  @Test("a redirect to an address that may not be connected to is refused there")
  func redirectToPrivate() async {
    let asked = Mutex<[IPAddress?]>([])
    let target = "http://127.0.0.2:\(server.port)/hello"
    let message = await failure {
      try await fetch(server.url("/to?\(target)")) { address in
        asked.withLock { $0.append(address) }
        return address == IPAddress("127.0.0.1")
      }
    }
    #expect(message.contains("not on the public internet"))
    #expect(asked.withLock { $0 }.last == IPAddress("127.0.0.2"))
  }

  @Test(
    "a redirect to another protocol, or one with credentials, is refused",
    arguments: ["file:///etc/passwd", "ftp://127.0.0.1/", "http://user:secret@127.0.0.1/"])
  func redirectElsewhere(target: String) async {
    #expect(await !failure { try await fetch(server.url("/to?\(target)")) }.isEmpty)
  }

  @Test("a body of just the limit is accepted, one byte more is not")
  func sizeLimit() async throws {
    #expect(try await fetch(server.url("/large?1000"), maxBytes: 1000).body.count == 1000)
    let message = await failure { try await fetch(server.url("/large?1001"), maxBytes: 1000) }
    #expect(message == "the response is larger than 1000 bytes")
    #expect(await failure { try await fetch(server.url("/endless")) } == "the response is larger than 1000000 bytes")
  }

  @Test("the limit counts what was decompressed")
  func decompression() async throws {
    #expect(text(try await fetch(server.url("/gzip"))) == "unpacked")
    #expect(await failure { try await fetch(server.url("/bomb")) } == "the response is larger than 1000000 bytes")
  }

  @Test("a server that never answers ends with the time limit")
  func timeLimit() async {
    let message = await failure { try await fetch(server.url("/never"), timeLimit: .milliseconds(100)) }
    #expect(message.contains("timed out"))
  }

  @Test("nobody listening is an error that says so")
  func refusedConnection() async {
    #expect(await failure { try await fetch("http://127.0.0.1:1/") }.contains("connect"))
  }

  @Test("cancelling ends a fetch at once, before it began too", arguments: [true, false])
  func cancellation(waitsForStart: Bool) async throws {
    let (starts, started) = AsyncStream.makeStream(of: Void.self)
    let url = server.url("/never")
    let task = Task {
      try await fetch(url) { _ in
        started.yield()
        return true
      }
    }
    if waitsForStart {
      var iterator = starts.makeAsyncIterator()
      await iterator.next()
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("hundreds of fetches wait at once, and others pass them")
  func many() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          await #expect(throws: CancellationError.self) { _ = try await fetch(server.url("/never")) }
        }
      }
      for _ in 0..<20 { #expect(try await fetch(server.url("/hello")).status == 200) }
      group.cancelAll()
      try await group.waitForAll()
    }
  }

  private func post(_ path: String, _ body: [UInt8], dropsBody: Bool = false, maxBytes: Int = 1_000_000) async throws
    -> FetchResponse
  {
    let request = FetchRequest(
      url: server.url(path), method: .post(body), headers: ["Content-Type": "application/json"],
      followsRedirects: false,
      dropsBody: dropsBody, maxBytes: maxBytes, timeLimit: .seconds(20), mayConnect: { _ in true })
    return try await FetchLoop.shared.get().fetch(request)
  }

  @Test("a body is posted byte for byte, and no 100-continue is asked for", arguments: [0, 3, 2_000_000])
  func posting(count: Int) async throws {
    let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
    let response = try await post("/echo", body, maxBytes: 3_000_000)
    #expect(response.status == 201)
    #expect(Array(response.body.suffix(count)) == body)
    let head = String(decoding: response.body.prefix(response.body.count - count), as: UTF8.self).lowercased()
    #expect(head.contains("content-type: application/json") && !head.contains("expect:"))
  }

  @Test("a redirect that is not to be followed is the answer")
  func redirectOfPost() async throws {
    #expect(try await post("/to", [1]).status == 307)
  }

  @Test("a body that nobody wants is not kept, and one without end ends the transfer with its status")
  func dropping() async throws {
    let short = try await post("/echo", [UInt8](repeating: 65, count: 1000), dropsBody: true)
    #expect(short.status == 201 && short.body.isEmpty)
    let long = try await post("/echo", [UInt8](repeating: 65, count: 1_000_000), dropsBody: true, maxBytes: 1000)
    #expect(long.status == 201 && long.body.isEmpty)
  }
}
