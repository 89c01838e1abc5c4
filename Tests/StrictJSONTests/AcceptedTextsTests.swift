import StrictJSON
import Testing

@Suite("Texts that are JSON")
struct AcceptedTextsTests {
  static let texts: [String] = [
    // Scalars at the root
    "null", "true", "false", "0", "-0", "7", "\"\"", "\"a\"", "\"null\"", " 1", "1 ", "\n\t\r 1 \r\n\t",
    // Numbers
    "-1", "10", "1234567890", "0.0", "0.5", "-0.5", "1.0", "1.50", "123.456", "0e0", "0E0", "0e+1", "0e-1", "1e1",
    "1E1", "1e+1", "1e-1", "1.5e10", "-1.5E-10", "1e400", "-1e400", "1e-400", "1e999999999999999999999",
    "9007199254740993", "9223372036854775807", "-9223372036854775808", "18446744073709551616",
    "123456789012345678901234567890.123456789012345678901234567890", "0.000000000000000000000000000000000000001",
    "1e00000001", "[0,-0,0.0]", "20E1", "1.000",
    // Strings
    #""\"""#, #""\\""#, #""\/""#, #""\b\f\n\r\t""#, #""\u0041""#, #""\u00e9\u00E9""#, #""\u0000""#, #""\uFFFF""#,
    #""\uD83D\uDE00""#, #""\ud83d\ude00""#, #""\uDBFF\uDFFF""#, #""\uD7FF\uE000""#, #""\\u0041""#, #""\\\"""#,
    #""\\uD800""#, "\"\u{7F}\"", "\"é\"", "\"€\"", "\"😀\"", "\"\u{10FFFF}\"", "\"\u{800}\"", "\"\u{FFFF}\"",
    "\"\u{2028}\u{2029}\"", "\"\u{FEFF}\"", "\"a b  c\"", "\"/\"", "\"// no comment\"", "\"'\"", "\"[]{},:\"",
    "\"12345678\"", "\"1234567\"", "\"123456789abcdefé\"", #""1234567\n""#, #""12345678\n90""#, "\"e\u{301}\"",
    // Arrays
    "[]", "[ ]", "[\n]", "[1]", "[1,2]", "[ 1 , 2 ]", "[[]]", "[[],[]]", "[[[]],[]]", "[null,true,false,0,\"\",[],{}]",
    "[1,1,1]", "[\"a\",\"a\"]", "[{},{}]", "[{\"a\":1},{\"a\":1}]",
    // Objects
    "{}", "{ }", "{\n}", "{\"\":0}", "{\"a\":1}", "{\"a\":1,\"b\":2}", "{ \"a\" : 1 , \"b\" : 2 }", "{\"a\":{}}",
    "{\"a\":{\"a\":{\"a\":1}}}", "{\"a\":[],\"b\":[]}", "{\"a\":1,\"A\":2}", "{\"a\":1,\"a \":2}", "{\"a\":1,\"\":2}",
    #"{"a":1,"\u0062":2}"#, #"{"\u0000":1,"\u0001":2}"#, "{\"é\":1,\"e\u{301}\":2}", #"{"a\"b":1}"#, "{\"a\":\"a\"}",
    "{\"true\":true,\"null\":null}", #"{"ab":1,"ac":2,"ad":3}"#,
    "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,\"m\":1}",
  ]

  @Test("is accepted, and its root has the whole text but the white space around it", arguments: texts)
  func accepts(_ text: String) throws {
    let root = try parse(text)
    let trimmed = Array(text.utf8).trimmed { [0x20, 0x09, 0x0A, 0x0D].contains($0) }
    #expect(root.rawBytes == trimmed)
  }

  @Test("the deepest nesting allowed is accepted, and one level more is refused")
  func depthLimit() {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    func nestedObjects(_ depth: Int) -> String {
      String(repeating: "{\"a\":", count: depth) + "1" + String(repeating: "}", count: depth)
    }
    #expect(refusal(of: nested(64)) == nil)
    #expect(refusal(of: nestedObjects(64)) == nil)
    #expect(
      refusal(of: nested(65))
        == JSONSyntaxError(
          line: 1, column: 65, detail: "arrays and objects are nested more than 64 levels deep"))
    #expect(refusal(of: nestedObjects(65))?.column == 64 * 5 + 1)
    #expect(refusal(of: "1", maxDepth: 0) == nil)
    #expect(refusal(of: "[]", maxDepth: 0) != nil)
    #expect(refusal(of: "[[1],[2],[3]]", maxDepth: 2) == nil, "depth counts what is open, not what was")
  }
}

extension Array<UInt8> {
  func trimmed(_ isSpace: (UInt8) -> Bool) -> [UInt8] {
    Array(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
  }
}
