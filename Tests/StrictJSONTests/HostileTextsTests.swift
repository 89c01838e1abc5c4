import StrictJSON
import Testing

/// Texts made to cost far more than their size. A debug build on a busy machine needs a second or two for each; work that
/// grows with the square of the size would need hours.
@Suite("Hostile texts cost time in proportion to their size")
struct HostileTextsTests {
  private func quickly<Result>(_ body: () throws -> Result) rethrows -> Result {
    let clock = ContinuousClock()
    let start = clock.now
    let result = try body()
    #expect(clock.now - start < .seconds(60))
    return result
  }

  @Test("a megabyte of opening brackets is refused at the depth limit, without using the stack")
  func openings() {
    for opening in ["[", "{\"a\":"] {
      let text = Array(String(repeating: opening, count: 1_000_000).utf8)
      #expect(quickly { refusal(of: text) }?.detail.contains("64 levels") == true)
      #expect(quickly { refusal(of: text, maxDepth: .max) }?.detail.contains("ends where a value") == true)
    }
  }

  @Test("a depth without limit is read and left without using the stack")
  func deepNesting() throws {
    let depth = 200_000
    let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    var node = try quickly { try parse(text, maxDepth: .max) }
    var seen = 1
    while let inner = node.elements.first(where: { _ in true }) {
      node = inner
      seen += 1
    }
    #expect(seen == depth)
  }

  @Test("a megabyte of escapes is unescaped")
  func escapes() throws {
    let text = "\"" + String(repeating: "\\u0000", count: 170_000) + "\""
    let value = try quickly { try parse(text).stringValue }
    #expect(value?.utf8.count == 170_000)
  }

  @Test("an object of 100,000 keys is checked for duplicates", arguments: ["key", #"\u006bey"#, "k\\/"])
  func manyKeys(_ prefix: String) throws {
    let members = (0..<100_000).map { "\"\(prefix)\($0)\":\($0)" }.joined(separator: ",")
    let object = try quickly { try parse("{\(members)}") }
    #expect(object.count == 100_000)
    #expect(quickly { refusal(of: "{\(members),\"\(prefix)77777\":0}") }?.detail.contains("77777") == true)
  }

  @Test("many small objects with long keys are checked for duplicates")
  func longKeys() {
    let key = String(repeating: #"\u0061"#, count: 1000)
    let object = "{" + (0..<12).map { "\"\(key)\($0)\":0" }.joined(separator: ",") + "}"
    let text = "[" + Array(repeating: object, count: 20).joined(separator: ",") + "]"
    #expect(quickly { refusal(of: text) } == nil)
  }

  @Test("a number of a million digits is kept, and told to be too large or not")
  func longNumbers() throws {
    let digits = String(repeating: "9", count: 1_000_000)
    let large = try quickly { try parse(digits) }
    #expect(large.rawSlice.count == 1_000_000)
    #expect(quickly { large.intValue } == nil)
    #expect(large.isIntegral)
    #expect(quickly { large.doubleValue } == nil)
    #expect(try quickly { try parse("0.\(digits)").doubleValue } == 1)
    #expect(try quickly { try parse("1e\(digits)").intValue } == nil)
    #expect(try quickly { try parse("1e-\(digits)").intValue } == nil)
    #expect(try quickly { try parse("0e\(digits)").intValue } == 0)
    #expect(try quickly { try parse("1\(String(repeating: "0", count: 100_000))e-100000").intValue } == 1)
  }
}
