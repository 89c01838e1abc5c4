import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("Bodies are taken in by their policy")
struct BodyTests {
  /// A folder of its own, removed with what is in it.
  private func withFolder(_ body: (String) async throws -> Void) async throws {
    var template = Array("/tmp/http-tests-XXXXXX\0".utf8.map { CChar(bitPattern: $0) })
    let path = try #require(mkdtemp(&template).map { String(cString: $0) })
    try await body(path)
    for name in names(in: path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  private func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  @LoopActor
  private static func describe(_ exchange: HTTPExchange) {
    let text =
      switch exchange.body {
      case .empty: "empty"
      case .bytes(let bytes): "bytes \(bytes.count) \(bytes.reduce(0) { $0 &+ Int($1) })"
      case .file(let file): "file \(file.byteCount) \(file.name)"
      }
    exchange.respond(HTTPResponse(mediaType: "text/plain", Array(text.utf8)))
  }

  @Test("in memory, with a length and in chunks, one after the other")
  func buffered() async throws {
    try await withServer(policy: { _ in .buffer(limitBytes: 100_000) }, answer: Self.describe) { server in
      let client = try RawClient(server)
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
      #expect(try client.reply().text == "bytes 3 294")
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      try client.send("2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n")
      #expect(try client.reply().text == "bytes 3 294")
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
      try client.send([UInt8](repeating: 1, count: 100_000))
      #expect(try client.reply().text == "bytes 100000 100000")
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
      #expect(try client.reply().text == "empty")
      #expect(try client.get("/").text == "empty")
    }
  }

  @Test("a large body goes to a file, which is complete, and removed unless it is kept")
  func spooled() async throws {
    try await withFolder { folder in
      try await withServer(
        policy: { _ in .spool(limitBytes: 10_000_000, memoryLimitBytes: 1000, folder: folder) },
        answer: { exchange in
          if exchange.head.path == "/keep", case .file(let file) = exchange.body { file.keep() }
          Self.describe(exchange)
        }
      ) { server in
        let client = try RawClient(server)
        let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try client.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: \(bytes.count)\r\n\r\n")
        try client.send(bytes)
        let words = try client.reply().text.split(separator: " ")
        #expect(words[..<2] == ["file", "5000000"])
        #expect(contents("\(folder)/\(words[2])") == bytes)
        try client.send("POST /drop HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<30 {
          try client.send("10000\r\n")
          try client.send([UInt8](repeating: 7, count: 0x10000))
          try client.send("\r\n")
        }
        try client.send("0\r\n\r\n")
        #expect(try client.reply().text.hasPrefix("file 1966080 "))
        try client.send("POST /drop HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        try client.send([UInt8](repeating: 1, count: 1000))
        #expect(try client.reply().text == "bytes 1000 1000")
        #expect(await server.eventually { _ in self.names(in: folder).count == 1 })
      }
    }
  }

  private func contents(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while case let count = read(descriptor, &piece, piece.count), count > 0 { bytes += piece[..<count] }
    return bytes
  }

  @Test("an upload that breaks off leaves no file")
  func brokenOff() async throws {
    try await withFolder { folder in
      try await withServer(
        policy: { _ in .spool(limitBytes: 10_000_000, memoryLimitBytes: 0, folder: folder) }, answer: Self.describe
      ) { server in
        var client: RawClient? = try RawClient(server)
        try client?.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
        try client?.send([UInt8](repeating: 1, count: 2_000_000))
        #expect(await server.eventually { _ in self.names(in: folder).count == 1 })
        client = nil
        #expect(await server.eventually { $0.connectionCount == 0 && self.names(in: folder).isEmpty })
      }
    }
  }

  @Test("a folder that cannot be written to is a 500, and the server goes on")
  func diskError() async throws {
    try await withServer(
      policy: { _ in .spool(limitBytes: 10_000_000, memoryLimitBytes: 0, folder: "/nonexistent") },
      answer: Self.describe
    ) { server in
      for count in [10, 3_000_000] {
        let client = try RawClient(server)
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n")
        try client.send([UInt8](repeating: 1, count: count))
        let reply = try client.reply()
        #expect(reply.status == 500 && !reply.text.contains("nonexistent"))
      }
      #expect(try RawClient(server).get("/").status == 200)
    }
  }

  @Test("100 Continue comes when the body is wanted, and only then")
  func expectContinue() async throws {
    try await withServer(
      policy: { $0.path == "/no" ? .refuse(Problem(401).response) : .buffer(limitBytes: 10) }, answer: Self.describe
    ) { server in
      let client = try RawClient(server)
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
      #expect(try client.head().status == 100)
      try client.send("abc")
      #expect(try client.reply().text == "bytes 3 294")
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
      #expect(try client.head().status == 413)
      let other = try RawClient(server)
      try other.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
      #expect(try other.head().status == 401)
    }
  }

  @Test("a body that is too large is refused before it is sent, one in chunks where it crosses the limit")
  func tooLarge() async throws {
    try await withServer(policy: { _ in .buffer(limitBytes: 10) }, answer: Self.describe) { server in
      let client = try RawClient(server)
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n")
      #expect(try client.reply().status == 413)
      #expect(try client.seesEnd())
      let chunked = try RawClient(server)
      try chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcde")
      let reply = try chunked.reply()
      #expect(reply.status == 413 && reply.fields["connection"] == "close")
      #expect(try chunked.seesEnd())
      let forbidden = try RawClient(server)
      try forbidden.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789")
      #expect(try forbidden.reply().text.hasPrefix("bytes 10"))
    }
  }
}
