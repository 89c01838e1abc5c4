import Glibc
import HandlerAPI
import JobModel
import Testing

private struct CountBytes: Handler {
  struct Text: Decodable, Sendable { var text: String }
  struct Options: Decodable, Sendable { var factor: Int? }
  static let name = "count_bytes"
  static let constraints: [InputConstraint] = [.string("text", maxLength: 5), .integer("factor", 1...3)]
  static let argumentsInsteadOfBody: (any (Decodable & Sendable).Type)? = Text.self
  static let argumentsBesideBody: (any (Decodable & Sendable).Type)? = Options.self
  func run(_ input: RawBody, _ context: JobContext) async throws -> String {
    var count = 0
    try input.forEachChunk { count += $0.count }
    return "\(count) of \(input.mediaType), \(String(decoding: input.args, as: UTF8.self))"
  }
}

private struct BodyOnly: Handler {
  static let name = "body_only"
  func run(_ input: RawBody, _ context: JobContext) async throws -> Int { input.byteCount }
}

@Suite("Handlers of raw bodies")
struct RawBodyHandlerTests {
  @Test("arguments are checked as what stands instead of a body, or beside one")
  func checks() throws {
    let handler = try AnyHandler(CountBytes.self)
    #expect(handler.acceptsRawBody)
    #expect(!handler.isInputJSONOnly)
    #expect(try handler.check(#"{"text":"abc"}"#) == [])
    #expect(try handler.check(#"{"text":"abcdef"}"#).map(\.pointer) == ["/text"])
    #expect(try handler.check("{}").map(\.pointer) == ["/text"])
    #expect(try handler.check(#"{"factor":1}"#).map(\.pointer) == ["/text", "/factor"])
    #expect(try handler.check("{}", hasBody: true) == [])
    #expect(try handler.check(#"{"factor":3}"#, hasBody: true) == [])
    #expect(try handler.check(#"{"factor":4}"#, hasBody: true).map(\.pointer) == ["/factor"])
    #expect(try handler.check(#"{"text":"abc"}"#, hasBody: true).map(\.pointer) == ["/text"])
  }

  @Test("a handler that declares no arguments needs a body, and takes nothing beside it")
  func bodyOnly() throws {
    let handler = try AnyHandler(BodyOnly.self)
    #expect(handler.schema == nil)
    #expect(
      try handler.check("{}")
        == [InputError(pointer: "", detail: "is not enough: this handler needs a request body as its input")])
    #expect(try handler.check("{}", hasBody: true) == [])
    #expect(try handler.check(#"{"a":1}"#, hasBody: true).map(\.pointer) == ["/a"])
  }

  @Test("bodies come from memory, from a file, or not at all")
  func sources() async throws {
    let instance = try await AnyHandler(CountBytes.self).instantiate()
    func run(_ input: HandlerInput) async throws -> HandlerReply {
      await instance.run(input: input, context: try context())
    }
    #expect(try await run(.json(bytes("{\"text\":\"a\"}"))) == .json(#""0 of application/json, {\"text\":\"a\"}""#))
    let body = RawBody(mediaType: "text/plain", byteCount: 3, source: .bytes([1, 2, 3]), args: bytes("{}"))
    #expect(try await run(.raw(body)) == .json(#""3 of text/plain, {}""#))
    // More than one chunk, in a file without a name: it leaves nothing behind.
    let content = [UInt8](repeating: 7, count: 600_000)
    let temporary = try #require(tmpfile())
    try #require(fwrite(content, 1, content.count, temporary) == content.count)
    let descriptor = dup(fileno(temporary))
    fclose(temporary)
    let file = RawBody(
      mediaType: "image/x", byteCount: content.count, source: .file(BodyFile(owning: descriptor)), args: bytes("{}"))
    for _ in 0..<2 { #expect(try await run(.raw(file)) == .json(#""600000 of image/x, {}""#)) }
  }

  @Test("a file that cannot be read is the handler's error, not an empty body")
  func unreadable() async throws {
    let file = RawBody(mediaType: "a/b", byteCount: 1, source: .file(BodyFile(owning: -1)), args: bytes("{}"))
    let reply = try await AnyHandler(CountBytes.self).instantiate().run(input: .raw(file), context: context())
    #expect(reply == .failure(kind: .handlerError, message: "reading the input failed: Bad file descriptor"))
  }
}
