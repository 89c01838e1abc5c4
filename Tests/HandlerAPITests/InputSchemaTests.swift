import Foundation
import HandlerAPI
import StrictJSON
import Testing

@Suite("Schemas derived from types")
struct InputSchemaTests {
  /// The JSON Schema without the lines that all have.
  private func schema(of type: any Decodable.Type, _ constraints: [InputConstraint] = []) throws -> String {
    let whole = text(try InputSchema(of: type, constraints: constraints).jsonSchema)
    _ = try JSONDocument.parse(bytes(whole))
    return whole.replacing(#""$schema":"https://json-schema.org/draft/2020-12/schema","#, with: "")
      .replacing(#","additionalProperties":false"#, with: "")
  }

  enum Color: String, Decodable, CaseIterable { case red, green = "dark green" }
  enum Level: Int, Decodable, CaseIterable { case low = 1, high = 10 }
  enum Named: String, Decodable { case one, two }
  struct Empty: Decodable {}

  @Test("scalars, with the ranges of their types")
  func scalars() throws {
    struct Input: Decodable {
      let flag: Bool, int: Int, int64: Int64, double: Double, float: Float, string: String
    }
    #expect(
      try schema(of: Input.self)
        == #"{"type":"object","properties":{"flag":{"type":"boolean"},"int":{"type":"integer"},"#
        + #""int64":{"type":"integer"},"double":{"type":"number"},"float":{"type":"number"},"string":{"type":"string"}},"#
        + #""required":["flag","int","int64","double","float","string"]}"#)
    struct Narrow: Decodable {
      let a: Int8, b: UInt8, c: Int16, d: UInt16, e: Int32, f: UInt32, g: UInt, h: UInt64
    }
    #expect(
      try schema(of: Narrow.self)
        == #"{"type":"object","properties":{"a":{"type":"integer","minimum":-128,"maximum":127},"#
        + #""b":{"type":"integer","minimum":0,"maximum":255},"c":{"type":"integer","minimum":-32768,"maximum":32767},"#
        + #""d":{"type":"integer","minimum":0,"maximum":65535},"#
        + #""e":{"type":"integer","minimum":-2147483648,"maximum":2147483647},"#
        + #""f":{"type":"integer","minimum":0,"maximum":4294967295},"g":{"type":"integer","minimum":0},"#
        + #""h":{"type":"integer","minimum":0}},"required":["a","b","c","d","e","f","g","h"]}"#)
  }

  @Test("optionals may be left out or null; optionals inside arrays may be null")
  func optionals() throws {
    struct Input: Decodable {
      let a: Int?, b: [Int?], c: String?, d: [String]?
    }
    #expect(
      try schema(of: Input.self) == #"{"type":"object","properties":{"a":{"type":["integer","null"]},"#
        + #""b":{"type":"array","items":{"type":["integer","null"]}},"c":{"type":["string","null"]},"#
        + #""d":{"type":["array","null"],"items":{"type":"string"}}},"required":["b"]}"#)
  }

  @Test("nested structs, arrays, dictionaries and enums")
  func nesting() throws {
    struct Box: Decodable { let width: Int, color: Color? }
    struct Input: Decodable {
      let box: Box, boxes: [Box], matrix: [[Double]], scores: [String: Int], levels: [Level], tags: Set<String>
      let empty: Empty
    }
    let box =
      #"{"type":"object","properties":{"width":{"type":"integer"},"#
      + #""color":{"type":["string","null"],"enum":["red","dark green",null]}},"required":["width"]}"#
    #expect(
      try schema(of: Input.self) == #"{"type":"object","properties":{"box":\#(box),"#
        + #""boxes":{"type":"array","items":\#(box)},"#
        + #""matrix":{"type":"array","items":{"type":"array","items":{"type":"number"}}},"#
        + #""scores":{"type":"object","additionalProperties":{"type":"integer"}},"#
        + #""levels":{"type":"array","items":{"type":"integer","enum":[1,10]}},"#
        + #""tags":{"type":"array","items":{"type":"string"}},"empty":{"type":"object","properties":{}}},"#
        + #""required":["box","boxes","matrix","scores","levels","tags","empty"]}"#)
  }

  @Test("roots that are no struct")
  func roots() throws {
    #expect(try schema(of: Empty.self) == #"{"type":"object","properties":{}}"#)
    #expect(try schema(of: Int.self) == #"{"type":"integer"}"#)
    #expect(try schema(of: [Color].self) == #"{"type":"array","items":{"type":"string","enum":["red","dark green"]}}"#)
    #expect(
      try schema(of: [String: [Bool]].self)
        == #"{"type":"object","additionalProperties":{"type":"array","items":{"type":"boolean"}}}"#)
    #expect(try schema(of: [Int: String].self) == #"{"type":"object","additionalProperties":{"type":"string"}}"#)
  }

  @Test("coding keys, and init(from:) written by hand: nested containers, defaults, pairs, superclasses")
  func custom() throws {
    struct Renamed: Decodable {
      let fileName: String
      enum CodingKeys: String, CodingKey { case fileName = "file_name" }
    }
    #expect(
      try schema(of: Renamed.self)
        == #"{"type":"object","properties":{"file_name":{"type":"string"}},"required":["file_name"]}"#)
    #expect(
      try schema(of: ByHand.self)
        == #"{"type":"object","properties":{"width":{"type":["integer","null"]},"height":{"type":["integer","null"]},"#
        + #""inner":{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]},"#
        + #""pair":{"type":"array","items":{}},"list":{"type":"array","items":{"type":"integer"}}},"#
        + #""required":["inner","pair","list"]}"#)
    #expect(
      try schema(of: Derived.self) == #"{"type":"object","properties":{"own":{"type":"integer"},"#
        + #""super":{"type":"object","properties":{"inherited":{"type":"string"}},"required":["inherited"]}},"#
        + #""required":["own","super"]}"#)
  }

  @Test("Foundation's types are what JSONDecoder makes them of")
  func foundationTypes() throws {
    struct Input: Decodable {
      let url: URL, id: UUID, data: Data, date: Date, decimal: Decimal
    }
    #expect(
      try schema(of: Input.self) == #"{"type":"object","properties":{"url":{"type":"string"},"id":{"type":"string"},"#
        + #""data":{"type":"string"},"date":{"type":"number"},"decimal":{"type":"number"}},"#
        + #""required":["url","id","data","date","decimal"]}"#)
  }

  @Test("constraints narrow, at any depth")
  func constraints() throws {
    struct Box: Decodable { let width: Int, name: String }
    struct Input: Decodable {
      let n: Int?, x: Double, y: Double, boxes: [Box], matrix: [[Int8]], named: Named, scores: [String: Int]
    }
    #expect(
      try schema(
        of: Input.self,
        [
          .integer("n", 2...1_000_000_000_000), .describe("n", "a \"limit\""), .number("x", -0.5...1),
          .integer("y", 0...9),
          .integer("boxes[].width", 1...5), .string("boxes[].name", maxLength: 3), .items("boxes", 1...2),
          .items("matrix[]", 2...2), .integer("matrix[][]", 0...1000), .oneOf("named", ["one", "two"]),
          .integer("scores[]", 0...5),
        ])
        == #"{"type":"object","properties":{"#
        + #""n":{"description":"a \"limit\"","type":["integer","null"],"minimum":2,"maximum":1000000000000},"#
        + #""x":{"type":"number","minimum":-0.5,"maximum":1},"y":{"type":"number","minimum":0,"maximum":9},"#
        + #""boxes":{"type":"array","items":{"type":"object","properties":{"#
        + #""width":{"type":"integer","minimum":1,"maximum":5},"name":{"type":"string","maxLength":3}},"#
        + #""required":["width","name"]},"minItems":1,"maxItems":2},"#
        + #""matrix":{"type":"array","items":{"type":"array","items":{"type":"integer","minimum":0,"maximum":127},"#
        + #""minItems":2,"maxItems":2}},"named":{"type":"string","enum":["one","two"]},"#
        + #""scores":{"type":"object","additionalProperties":{"type":"integer","minimum":0,"maximum":5}}},"#
        + #""required":["x","y","boxes","matrix","named","scores"]}"#)
  }

  struct ByHand: Decodable {
    enum Keys: String, CodingKey { case width, height, inner, pair, list, x }
    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: Keys.self)
      _ = try values.decodeIfPresent(Int.self, forKey: .width) ?? 800
      if values.contains(.height) { _ = try values.decode(Int.self, forKey: .height) }
      _ = try values.nestedContainer(keyedBy: Keys.self, forKey: .inner).decode(Double.self, forKey: .x)
      var pair = try values.nestedUnkeyedContainer(forKey: .pair)
      _ = try pair.decode(String.self)
      _ = try pair.decode(Int.self)
      var list = try values.nestedUnkeyedContainer(forKey: .list)
      while !list.isAtEnd { _ = try list.decode(Int.self) }
    }
  }

  class Super: Decodable { var inherited: String }
  class Derived: Super {
    enum Keys: String, CodingKey { case own }
    required init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: Keys.self)
      _ = try values.decode(Int.self, forKey: .own)
      try super.init(from: values.superDecoder())
    }
  }
}
