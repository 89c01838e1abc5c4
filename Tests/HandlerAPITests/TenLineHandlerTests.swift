import HandlerAPI
import JobModel
import Testing

// As the first lines of Handler.swift show it, letter by letter.

struct Greet: Handler {
  struct Input: Decodable, Sendable { var name: String }
  static let name = "greet"
  static let constraints: [InputConstraint] = [.string("name", minLength: 1, maxLength: 100)]
  func run(_ input: Input, _ context: JobContext) async throws -> [String: String] {
    ["greeting": "Hello, \(input.name)!"]
  }
}

@Suite("A handler of ten lines")
struct TenLineHandlerTests {
  let greet: AnyHandler

  init() throws { greet = try AnyHandler(Greet.self) }

  @Test("is run with its typed input, and returns JSON")
  func runs() async throws {
    #expect(try await greet.run(#"{"name":"w\u00f6rld/"}"#) == .json(#"{"greeting":"Hello, wörld/!"}"#))
  }

  @Test("has a schema from its type and constraints")
  func schema() throws {
    let schema = try #require(greet.schema)
    #expect(
      text(schema.jsonSchema) == #"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","#
        + #""properties":{"name":{"type":"string","minLength":1,"maxLength":100}},"required":["name"],"#
        + #""additionalProperties":false}"#)
  }

  @Test("refuses what does not fit, by pointers")
  func refuses() throws {
    #expect(try greet.check(#"{"name":"x"}"#) == [])
    #expect(try greet.check("{}") == [InputError(pointer: "/name", detail: "is required")])
    #expect(
      try greet.check(#"{"name":""}"#)
        == [InputError(pointer: "/name", detail: "must have at least 1 character, has 0")])
    #expect(
      try greet.check(#"{"name":"x","nmae":1}"#)
        == [InputError(pointer: "/nmae", detail: "is not a field of this input; it has name")])
  }

  @Test("runs in a process, once, unless it says otherwise")
  func defaults() {
    #expect(greet.properties == AnyHandler.Properties(name: "greet", executor: .process, timeout: nil, maxAttempts: 1))
    #expect(greet.isInputJSONOnly)
  }
}
