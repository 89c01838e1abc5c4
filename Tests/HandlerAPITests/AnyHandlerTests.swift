import HandlerAPI
import JobModel
import StrictJSON
import Testing

private struct Divide: Handler {
  struct Input: Decodable, Sendable { var a: Double, b: Double, how: String? }
  struct Oops: Error {}
  static let name = "divide"
  static let summary = "Divides."
  static let executor = Executor.task
  static let timeout: Duration? = .seconds(5)
  static let maxAttempts = 3
  static func validate(_ input: Input) -> [InputError] {
    input.b == 0 && input.how == nil ? [InputError(pointer: "/b", detail: "must not be 0")] : []
  }
  func run(_ input: Input, _ context: JobContext) async throws -> [String: Double] {
    try context.checkCancellation()
    switch input.how {
    case "throw": throw Oops()
    case "explain": throw HandlerError("it went wrong")
    case "shout": throw HandlerError(String(repeating: "x", count: 100_000))
    case "input": throw InputError(pointer: "/a", detail: "is odd")
    default: return ["quotient": input.a / input.b]
    }
  }
}

private struct Echo: Handler {
  static let name = "echo"
  func run(_ input: RawJSON, _ context: JobContext) async throws -> RawJSON { input }
}

private struct Nothing: Handler {
  struct Input: Decodable, Sendable {}
  struct Output: Encodable, Sendable {}
  static let name = "nothing"
  func run(_ input: Input, _ context: JobContext) async throws -> Output { Output() }
}

private struct Picture: Handler {
  struct Input: Decodable, Sendable { var mediaType: String }
  static let name = "picture"
  func run(_ input: Input, _ context: JobContext) async throws -> RawOutput {
    RawOutput(mediaType: input.mediaType, bytes: [1, 2, 3])
  }
}

private struct Strict: Handler {
  struct Even: Decodable, Sendable {
    init(from decoder: any Decoder) throws {
      let number = try decoder.singleValueContainer().decode(Int.self)
      if number % 2 != 0 {
        throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "odd"))
      }
    }
  }
  struct Input: Decodable, Sendable { var numbers: [Even], exact: Int? }
  static let name = "strict"
  func run(_ input: Input, _ context: JobContext) async throws -> Int { input.numbers.count }
}

private struct Unprepared: Handler {
  static let name = "unprepared"
  func prepare() async throws { throw HandlerError("no model here") }
  static func preload() throws { throw HandlerError("no file here") }
  func run(_ input: Int, _ context: JobContext) async throws -> Int { input }
}

@Suite("Handlers without their types")
struct AnyHandlerTests {
  @Test("properties are the handler's own")
  func properties() throws {
    #expect(
      try AnyHandler(Divide.self).properties
        == AnyHandler.Properties(
          name: "divide", summary: "Divides.", executor: .task, timeout: .seconds(5), maxAttempts: 3))
  }

  @Test("each way to fail has its kind")
  func failures() async throws {
    let divide = try AnyHandler(Divide.self)
    #expect(try await divide.run(#"{"a":1,"b":4}"#) == .json(#"{"quotient":0.25}"#))
    #expect(try await divide.run(#"{"a":1,"b":4,"how":"throw"}"#) == .failure(kind: .handlerError, message: "Oops()"))
    #expect(
      try await divide.run(#"{"a":1,"b":4,"how":"explain"}"#) == .failure(kind: .handlerError, message: "it went wrong")
    )
    #expect(
      try await divide.run(#"{"a":1,"b":4,"how":"input"}"#) == .failure(kind: .invalidArgs, message: "/a is odd"))
    #expect(try await divide.run(#"{"a":1}"#) == .failure(kind: .invalidArgs, message: "/b is required"))
    #expect(
      try await divide.run(#"{"a":1,"b":1}"#, cancelled: true)
        == .failure(kind: .cancelled, message: "the handler stopped because it was asked to"))
    guard case .failure(.invalidResult, let message) = try await divide.run(#"{"a":1,"b":0}"#) else {
      Issue.record("an infinite result was written as JSON")
      return
    }
    #expect(message.contains("the result cannot be written as JSON"))
    guard case .failure(.handlerError, let shout) = try await divide.run(#"{"a":1,"b":1,"how":"shout"}"#) else {
      Issue.record("it did not fail")
      return
    }
    #expect(shout.count == 4097)
  }

  @Test("arguments are checked by schema, then by decoding, then by the handler")
  func checks() throws {
    let divide = try AnyHandler(Divide.self)
    #expect(try divide.check(#"{"a":1,"b":2}"#) == [])
    #expect(try divide.check(#"{"a":1,"b":0}"#) == [InputError(pointer: "/b", detail: "must not be 0")])
    #expect(try divide.check(#"{"a":1,"b":"x"}"#).map(\.pointer) == ["/b"])
    #expect(try divide.check(#"{"a":1,"b":2}"#, hasBody: true).count == 1)
    let strict = try AnyHandler(Strict.self)
    #expect(try strict.check(#"{"numbers":[2,4,2.0]}"#) == [])
    #expect(
      try strict.check(#"{"numbers":[2,3]}"#) == [InputError(pointer: "/numbers/1", detail: "cannot be read: odd")])
    // Foundation reads such a number as a Double, and finds that it is not exact.
    #expect(
      try strict.check(#"{"numbers":[],"exact":9223372036854775807.0}"#)
        == [InputError(pointer: "", detail: "has a number that the type of its field does not hold exactly")])
    #expect(try strict.check(#"{"numbers":[],"exact":9223372036854775807}"#) == [])
  }

  @Test("any JSON is echoed as it was sent")
  func echo() async throws {
    let echo = try AnyHandler(Echo.self)
    for json in ["{ \"a\" : 1.10E+2 }", "12345678901234567890123", "\"\\u0041\"", "null", "[ ]"] {
      #expect(try echo.check(json) == [])
      #expect(try await echo.run(json) == .json(json))
    }
    #expect(
      try text(#require(echo.schema).jsonSchema) == #"{"$schema":"https://json-schema.org/draft/2020-12/schema"}"#)
    #expect(throws: JSONSyntaxError.self) { try RawJSON(bytes("{]")) }
  }

  @Test("empty structs are an empty object, both ways")
  func empty() async throws {
    let nothing = try AnyHandler(Nothing.self)
    #expect(try await nothing.run("{}") == .json("{}"))
    #expect(try nothing.check(#"{"a":1}"#).map(\.pointer) == ["/a"])
  }

  @Test("raw output keeps its media type, which must be one")
  func rawOutput() async throws {
    let picture = try AnyHandler(Picture.self)
    for type in ["image/png", "text/plain; charset=utf-8"] {
      #expect(try await picture.run("{\"mediaType\":\"\(type)\"}") == .success(mediaType: type, bytes: [1, 2, 3]))
    }
    for type in ["", "png", "image/", "/png", "a b/c", #"image/png\r\nSet-Cookie: a"#, "imäge/png"] {
      guard case .failure(.invalidResult, _) = try await picture.run("{\"mediaType\":\"\(type)\"}") else {
        Issue.record("\(type) was let through")
        continue
      }
    }
  }

  @Test("what preload and prepare throw comes out")
  func preparing() async throws {
    let unprepared = try AnyHandler(Unprepared.self)
    #expect(throws: HandlerError.self) { try unprepared.preload() }
    await #expect(throws: HandlerError.self) { try await unprepared.instantiate() }
  }

  @Test("a raw body is refused by a handler that takes arguments")
  func rawForTyped() async throws {
    let body = RawBody(mediaType: "text/plain", byteCount: 0, source: .bytes([]), args: bytes("{}"))
    let reply = try await AnyHandler(Nothing.self).instantiate().run(input: .raw(body), context: context())
    #expect(
      reply
        == .failure(
          kind: .invalidArgs, message: "the input cannot be a request body: this handler takes arguments only"))
  }
}
