import HandlerAPI
import JobModel
import Testing

private struct Typed: Handler {
  struct Box: Decodable, Sendable { var width: Int }
  struct Input: Decodable, Sendable {
    var below: Int?, ratio: Double?, name: String?, flag: Bool?, box: Box?, list: [Int]?
  }
  static let name = "typed"
  func run(_ input: Input, _ context: JobContext) async throws -> Int { 0 }
}

private struct Loose: Handler {
  static let name = "loose"
  func run(_ input: RawJSON, _ context: JobContext) async throws -> Int { 0 }
}

private struct Bodily: Handler {
  struct Options: Decodable, Sendable { var factor: Int }
  static let name = "bodily"
  static let argumentsBesideBody: (any (Decodable & Sendable).Type)? = Options.self
  func run(_ input: RawBody, _ context: JobContext) async throws -> Int { 0 }
}

@Suite("Arguments from a query")
struct QueryArgumentsTests {
  @Test("text gets its type from the schema")
  func typed() throws {
    let typed = try AnyHandler(Typed.self)
    let args = try typed.argsFromQuery(
      [
        ("below", "1000000000000000000000"), ("ratio", "1.50"), ("name", "12\"\n"), ("flag", "true"),
        ("box", "{\"width\": 1}"), ("list", "[1,2]"),
      ], hasBody: false)
    #expect(
      text(args)
        == #"{"below":1000000000000000000000,"ratio":1.50,"name":"12\"\n","flag":true,"box":{"width": 1},"list":[1,2]}"#
    )
    #expect(try text(typed.argsFromQuery([], hasBody: false)) == "{}")
  }

  @Test(
    "what cannot be read as its type is refused",
    arguments: [
      ("below", "x", "must be an integer"), ("below", "", "must be an integer"),
      ("below", "\"1\"", "must be an integer"),
      ("below", "0x10", "must be an integer"), ("below", "1,\"name\":2", "must be an integer"),
      ("ratio", "NaN", "must be a number"), ("flag", "yes", "must be true or false"),
      ("flag", "1", "must be true or false"),
      ("box", "1", "must be an object, written as JSON"), ("list", "1,2", "must be an array, written as JSON"),
      ("other", "1", "is not a field of this input; it has below, ratio, name, flag, box, list"),
    ])
  func refused(_ name: String, _ value: String, _ detail: String) throws {
    let error = #expect(throws: InputErrors.self) {
      try AnyHandler(Typed.self).argsFromQuery([(name, value)], hasBody: false)
    }
    #expect(error?.errors == [InputError(pointer: "/\(name)", detail: detail)])
  }

  @Test("a name given twice is refused")
  func twice() throws {
    let error = #expect(throws: InputErrors.self) {
      try AnyHandler(Typed.self).argsFromQuery([("below", "1"), ("below", "2")], hasBody: false)
    }
    #expect(error?.errors == [InputError(pointer: "/below", detail: "is given twice")])
  }

  @Test("what may be anything is JSON where it can be read as that, else text")
  func loose() throws {
    let args = try AnyHandler(Loose.self).argsFromQuery([("a", "1"), ("b", "x y"), ("c/\"", "{}")], hasBody: false)
    #expect(text(args) == #"{"a":1,"b":"x y","c/\"":{}}"#)
  }

  @Test("beside a body the arguments of that kind count")
  func besideBody() throws {
    let bodily = try AnyHandler(Bodily.self)
    #expect(try text(bodily.argsFromQuery([("factor", "2")], hasBody: true)) == #"{"factor":2}"#)
    #expect(throws: InputErrors.self) { try bodily.argsFromQuery([("factor", "2")], hasBody: false) }
  }
}
