import HandlerAPI
import StrictJSON
import Testing

@Suite("Values held against a schema")
struct SchemaValidationTests {
  enum Color: String, Decodable, CaseIterable { case red, green }
  struct Box: Decodable { let width: Int, tags: [String]? }
  struct Input: Decodable {
    let below: Int?, small: UInt8?, wide: UInt64?, ratio: Double?, float: Float?, name: String?, flag: Bool?
    let color: Color?, box: Box?, boxes: [Box]?, matrix: [[Double?]]?, scores: [String: Int]?
  }

  private func errors(_ args: String) throws -> [InputError] {
    try InputSchema(
      of: Input.self,
      constraints: [
        .integer("below", 2...1_000_000_000_000), .number("ratio", 0...1), .string("name", minLength: 2, maxLength: 4),
        .items("box.tags", 1...2), .string("boxes[].tags[]", maxLength: 1),
      ]
    ).validate(try node(args))
  }

  @Test(
    "what fits is accepted",
    arguments: [
      "{}", #"{"below":2}"#, #"{"below":1000000000000}"#, #"{"below":1e12}"#, #"{"below":2.0}"#, #"{"below":null}"#,
      #"{"small":0}"#, #"{"small":255}"#, #"{"small":-0}"#, #"{"wide":18446744073709551615}"#, #"{"ratio":0}"#,
      #"{"ratio":1}"#, #"{"ratio":0.5}"#, #"{"ratio":1e-400}"#, #"{"float":1e38}"#, #"{"name":"ab"}"#,
      #"{"name":"😀é😀é"}"#,
      #"{"name":"\u0000\u0000"}"#, #"{"flag":false}"#, #"{"color":"red"}"#, #"{"color":null,"box":null}"#,
      #"{"c\u006flor":"r\u0065d"}"#, #"{"box":{"width":1}}"#, #"{"box":{"width":1,"tags":["a","b"]}}"#,
      #"{"boxes":[]}"#, #"{"boxes":[{"width":1,"tags":[]}]}"#, #"{"matrix":[[],[1,null,2.5]]}"#,
      #"{"scores":{"":1,"a/b":2}}"#,
    ])
  func accepts(_ args: String) throws { #expect(try errors(args) == []) }

  @Test(
    "what does not fit is told with its place",
    arguments: [
      ("[]", "", "must be an object, not an array"), ("null", "", "must be an object, not null"),
      ("3", "", "must be an object, not a number"),
      (#"{"below":1}"#, "/below", "must be at least 2"), (#"{"below":-1e400}"#, "/below", "must be at least 2"),
      (#"{"below":1000000000001}"#, "/below", "must be at most 1000000000000"),
      (#"{"below":1e99999}"#, "/below", "must be at most 1000000000000"),
      (#"{"below":2.5}"#, "/below", "must be an integer"),
      (#"{"below":"2"}"#, "/below", "must be an integer, not a string"),
      (#"{"below":true}"#, "/below", "must be an integer, not a boolean"),
      (#"{"small":256}"#, "/small", "must be at most 255"),
      (#"{"small":-1}"#, "/small", "must be at least 0"),
      (#"{"wide":18446744073709551616}"#, "/wide", "must be at most 18446744073709551615"),
      (#"{"ratio":1.0000001}"#, "/ratio", "must be at most 1.0"),
      (#"{"ratio":-0.1}"#, "/ratio", "must be at least 0.0"),
      (#"{"ratio":1e400}"#, "/ratio", "must be at most 1.0"),
      (#"{"ratio":"x"}"#, "/ratio", "must be a number, not a string"),
      (#"{"float":1e39}"#, "/float", "must be at most 3.4028234663852886e+38"),
      (#"{"name":"a"}"#, "/name", "must have at least 2 characters, has 1"),
      (#"{"name":"abcde"}"#, "/name", "must have at most 4 characters, has 5"),
      (#"{"name":12}"#, "/name", "must be a string, not a number"),
      (#"{"flag":1}"#, "/flag", "must be true or false, not a number"),
      (#"{"flag":"true"}"#, "/flag", "must be true or false, not a string"),
      (#"{"color":"blue"}"#, "/color", #"must be one of "red", "green""#),
      (#"{"color":1}"#, "/color", "must be a string, not a number"), (#"{"box":{}}"#, "/box/width", "is required"),
      (#"{"box":{"width":null}}"#, "/box/width", "must be an integer, not null"),
      (#"{"box":[]}"#, "/box", "must be an object, not an array"),
      (#"{"box":{"width":1,"tags":[]}}"#, "/box/tags", "must have at least 1 element, has 0"),
      (#"{"box":{"width":1,"tags":["a",null]}}"#, "/box/tags/1", "must be a string, not null"),
      (#"{"box":{"width":1,"depth":2}}"#, "/box/depth", "is not a field of this input; it has width, tags"),
      (#"{"boxes":{}}"#, "/boxes", "must be an array, not an object"),
      (#"{"boxes":[{"width":1},{"width":"x"}]}"#, "/boxes/1/width", "must be an integer, not a string"),
      (#"{"boxes":[{"width":1,"tags":["a","bc"]}]}"#, "/boxes/0/tags/1", "must have at most 1 character, has 2"),
      (#"{"boxes":[null]}"#, "/boxes/0", "must be an object, not null"),
      (#"{"matrix":[[1],[2,"x"]]}"#, "/matrix/1/1", "must be a number, not a string"),
      (#"{"matrix":[null]}"#, "/matrix/0", "must be an array, not null"),
      (#"{"scores":{"a/b~":1.5}}"#, "/scores/a~1b~0", "must be an integer"),
    ])
  func refuses(_ args: String, _ pointer: String, _ detail: String) throws {
    #expect(try errors(args) == [InputError(pointer: pointer, detail: detail)])
  }

  @Test("all errors are told, but no more than twenty")
  func collects() throws {
    let found = try errors(#"{"below":1,"name":1,"box":{"tags":1},"x":null}"#)
    #expect(Set(found.map(\.pointer)) == ["/below", "/name", "/box/width", "/box/tags", "/x"])
    let strangers = (0..<1000).map { "\"x\($0)\":0" }.joined(separator: ",")
    #expect(try errors("{\(strangers)}").count == 20)
    let elements = Array(repeating: "0", count: 100_000).joined(separator: ",")
    #expect(try errors("{\"boxes\":[\(elements)]}").count == 20)
  }

  @Test("an unknown field of an input without fields says so; anything takes anything")
  func edges() throws {
    struct Empty: Decodable {}
    let found = try InputSchema(of: Empty.self).validate(node(#"{"a":1}"#))
    #expect(found == [InputError(pointer: "/a", detail: "is not a field of this input, which has none")])
    for any in ["null", "1", "[{}]", "{\"a\":1}"] { #expect(InputSchema.anything.validate(try node(any)) == []) }
  }
}
