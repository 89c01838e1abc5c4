import StrictJSON
import Testing

/// A text that is not JSON, where that shows, and a piece of what is said about it.
struct RefusedText: Sendable, CustomTestStringConvertible {
  let bytes: [UInt8]
  let line: Int
  let column: Int
  let detail: String

  init(_ text: String, _ column: Int, _ detail: String, line: Int = 1) {
    self.init(bytes: Array(text.utf8), column, detail, line: line)
  }

  init(bytes: [UInt8], _ column: Int, _ detail: String, line: Int = 1) {
    self.bytes = bytes
    self.line = line
    self.column = column
    self.detail = detail
  }

  var testDescription: String { String(decoding: bytes, as: UTF8.self) }
}

@Suite("Texts that are not JSON")
struct RefusedTextsTests {
  static let structure: [RefusedText] = [
    .init("", 1, "empty"), .init(" ", 2, "empty"), .init("\n\n", 1, "empty", line: 3),
    .init("1 2", 3, "goes on after its value: found '2'"), .init("{}{}", 3, "goes on"), .init("[]]", 3, "found ']'"),
    .init("{}}", 3, "found '}'"), .init("null,", 5, "found ','"), .init("\"a\"\"b\"", 4, "goes on"),
    .init("1\u{0}", 2, "control character 0x00"), .init("1é", 2, "not ASCII"),
    .init("[", 2, "the text ends where a value"), .init("[1", 3, "expected ',' or ']', found the end"),
    .init("[1,", 4, "ends where a value"), .init("[1,]", 4, "comma is not followed by ']'"),
    .init("[,1]", 2, "expected a value, found ','"), .init("[1,,2]", 4, "found ','"), .init("[,]", 2, "found ','"),
    .init("[1 2]", 4, "expected ',' or ']', found '2'"), .init("[1}", 3, "found '}'"), .init("[1:2]", 3, "found ':'"),
    .init("]", 1, "expected a value, found ']'"), .init("}", 1, "found '}'"), .init(",", 1, "found ','"),
    .init(":", 1, "found ':'"), .init("[[]", 4, "found the end"), .init("[\"a\"", 5, "found the end"),
    .init("{", 2, "expected a key or '}' (a string in double quotes), found the end"),
    .init("{\"a\"", 5, "expected ':' after the key, found the end"), .init("{\"a\":", 6, "ends where a value"),
    .init("{\"a\":1", 7, "expected ',' or '}', found the end"), .init("{\"a\":1,", 8, "expected a key"),
    .init("{\"a\":1,}", 8, "comma is not followed by '}'"), .init("{,}", 2, "found ','"),
    .init("{\"a\":1,,\"b\":2}", 8, "expected a key"), .init("{\"a\" 1}", 6, "expected ':'"),
    .init("{\"a\",1}", 5, "expected ':'"), .init("{\"a\"::1}", 6, "found ':'"), .init("{\"a\":}", 6, "found '}'"),
    .init("{a:1}", 2, "expected a key or '}' (a string in double quotes), found 'a'"), .init("{1:1}", 2, "found '1'"),
    .init("{'a':1}", 2, "in double quotes"), .init("{null:1}", 2, "expected a key"),
    .init("{[]:1}", 2, "expected a key"),
    .init("{\"a\":1]", 7, "expected ',' or '}', found ']'"), .init("{\"a\":1 \"b\":2}", 8, "expected ',' or '}'"),
    .init("{\"a\":1;\"b\":2}", 7, "found ';'"), .init("{\"a\"}", 5, "expected ':'"),
    .init("// c\n1", 1, "no comments"), .init("/* c */1", 1, "no comments"), .init("# c\n1", 1, "no comments"),
    .init("[1 /* c */]", 4, "found '/'"), .init("1 // c", 3, "found '/'"), .init("\u{C}1", 1, "control character 0x0C"),
    .init("\u{B}1", 1, "0x0B"), .init("\u{A0}1", 1, "not ASCII"), .init("[\u{2028}1]", 2, "not ASCII"),
    .init("{\n  \"a\": 1,\n  b: 2\n}", 3, "expected a key", line: 3), .init("[1,\r\n2,\r\nx]", 1, "found 'x'", line: 3),
    .init("[1,\r2,\rx]", 1, "found 'x'", line: 3), .init("[\"é😀\", x]", 8, "found 'x'"),
  ]

  static let words: [RefusedText] = [
    .init("nul", 1, "expected a value"), .init("nulll", 5, "goes on"), .init("tru", 1, "expected a value"),
    .init("True", 1, "true, false and null"), .init("FALSE", 1, "true, false and null"),
    .init("None", 1, "its words are"),
    .init("NULL", 1, "its words are"), .init("undefined", 1, "its words are"), .init("nullx", 5, "found 'x'"),
    .init("[truefalse]", 6, "found 'f'"), .init("a", 1, "found 'a'"), .init("fals\u{E9}", 1, "expected a value"),
    .init("NaN", 1, "neither NaN nor Infinity"), .init("nan", 1, "neither NaN"), .init("Infinity", 1, "neither NaN"),
    .init("-Infinity", 2, "neither NaN"), .init("-NaN", 2, "neither NaN"), .init("[Infinity]", 2, "neither NaN"),
    .init("<html>", 1, "found '<'"), .init("a=1&b=2", 1, "found 'a'"), .init("'a'", 1, "double quotes"),
    .init("`a`", 1, "found '`'"),
  ]

  static let numbers: [RefusedText] = [
    .init("-", 2, "a number needs a digit after '-', found the end"), .init("--1", 2, "found '-'"),
    .init("-a", 2, "found 'a'"), .init("- 1", 2, "needs a digit"), .init("+1", 1, "no leading '+'"),
    .init(".5", 1, "a digit before '.'"), .init("-.5", 2, "needs a digit"), .init("1.", 3, "a fraction needs a digit"),
    .init("1.e1", 3, "a fraction needs"), .init("1.a", 3, "found 'a'"), .init("1..2", 3, "found '.'"),
    .init("1.2.3", 4, "found '.'"), .init("1e", 3, "an exponent needs a digit"), .init("1e+", 4, "an exponent"),
    .init("1e-", 4, "an exponent"), .init("1e+-1", 4, "found '-'"), .init("1ee1", 3, "found 'e'"),
    .init("1e1.5", 4, "found '.'"), .init("1eE2", 3, "found 'E'"), .init("01", 1, "no leading zeros"),
    .init("-01", 1, "no leading zeros"), .init("00", 1, "no leading zeros"), .init("-00", 1, "no leading zeros"),
    .init("[012]", 2, "no leading zeros"), .init("00.5", 1, "no leading zeros"), .init("0x10", 2, "decimal"),
    .init("0b1", 2, "found 'b'"), .init("1_000", 2, "found '_'"), .init("1,000", 2, "found ','"),
    .init("1a", 2, "found 'a'"), .init("1 000", 3, "goes on"), .init("0.1.", 4, "found '.'"),
    .init("1+1", 2, "found '+'"),
    .init("1f", 2, "found 'f'"), .init("\u{FF11}", 1, "not ASCII"), .init("0e", 3, "an exponent needs"),
  ]

  static let strings: [RefusedText] = [
    .init("\"", 1, "ends inside the string"), .init("\"abc", 1, "ends inside the string"),
    .init("[\"abc]", 2, "ends inside the string"), .init("\"\\\"", 1, "ends inside"),
    .init("\"\\", 2, "inside an escape"),
    .init("\"a\nb\"", 3, "control character (0x0A); write it as \\u000A"), .init("\"\t\"", 2, "0x09"),
    .init("\"\u{0}\"", 2, "0x00"), .init("\"\u{1F}\"", 2, "0x1F"), .init("\"12345678\u{1}\"", 10, "0x01"),
    .init(#""\a""#, 2, "'\\a' is not an escape"), .init(#""\x41""#, 2, "'\\x'"), .init(#""\'""#, 2, "'\\''"),
    .init(#""\0""#, 2, "'\\0'"), .init(#""\U0041""#, 2, "'\\U'"), .init("\"\\\n\"", 2, "must begin an escape"),
    .init("\"\\é\"", 2, "must begin an escape"), .init(#""\u""#, 2, "four hexadecimal"),
    .init(#""\u123""#, 2, "four hexadecimal"), .init(#""\u12G4""#, 2, "four hexadecimal"),
    .init(#""\u 123""#, 2, "four hexadecimal"), .init(#""\u+123""#, 2, "four hexadecimal"),
    .init("\"\\u12", 2, "four hexadecimal"), .init(#""\uD800""#, 2, "no low one after"),
    .init(#""\uDBFFa""#, 2, "no low one after"), .init(#""\uD800\n""#, 2, "no low one after"),
    .init(#""\uD800\u0041""#, 2, "no low one after"), .init(#""\uD800\uD800""#, 2, "no low one after"),
    .init(#""\uDC00""#, 2, "no high one before"), .init(#""\uDFFF\uD800""#, 2, "no high one before"),
    .init(#""\uD83D\uDE0""#, 8, "four hexadecimal"), .init(#"{"\uD800":1}"#, 3, "no low one after"),
    .init(#""😀\uD83D""#, 3, "no low one after"),
  ]

  static func quoted(_ bytes: UInt8...) -> [UInt8] { [0x22] + bytes + [0x22] }

  static let encoding: [RefusedText] = [
    .init(bytes: [0xEF, 0xBB, 0xBF, 0x31], 1, "byte order mark"), .init(bytes: [0xFF, 0xFE, 0x31, 0], 1, "UTF-16"),
    .init(bytes: [0xFE, 0xFF, 0, 0x31], 1, "UTF-16"), .init(bytes: [0x31, 0], 2, "0x00"),
    .init(bytes: quoted(0x80), 2, "byte 0x80"), .init(bytes: quoted(0xBF), 2, "UTF-8"),
    .init(bytes: quoted(0xC0, 0x80), 2, "byte 0xC0"), .init(bytes: quoted(0xC1, 0xBF), 2, "UTF-8"),
    .init(bytes: quoted(0xC3), 2, "UTF-8"), .init(bytes: quoted(0xC3, 0x28), 2, "UTF-8"),
    .init(bytes: quoted(0xE0, 0x80, 0xAF), 2, "UTF-8"), .init(bytes: quoted(0xE0, 0x9F, 0xBF), 2, "UTF-8"),
    .init(bytes: quoted(0xE2, 0x82), 2, "UTF-8"), .init(bytes: quoted(0xE2, 0x28, 0xA1), 2, "UTF-8"),
    .init(bytes: quoted(0xED, 0xA0, 0x80), 2, "UTF-8"), .init(bytes: quoted(0xED, 0xBF, 0xBF), 2, "UTF-8"),
    .init(bytes: quoted(0xF0, 0x80, 0x80, 0x80), 2, "UTF-8"), .init(bytes: quoted(0xF0, 0x8F, 0xBF, 0xBF), 2, "UTF-8"),
    .init(bytes: quoted(0xF0, 0x9F, 0x98), 2, "UTF-8"), .init(bytes: quoted(0xF4, 0x90, 0x80, 0x80), 2, "UTF-8"),
    .init(bytes: quoted(0xF5, 0x80, 0x80, 0x80), 2, "UTF-8"), .init(bytes: quoted(0xFE), 2, "UTF-8"),
    .init(bytes: quoted(0xFF), 2, "UTF-8"), .init(bytes: [0x22, 0xF0, 0x9F], 2, "UTF-8"),
    .init(bytes: quoted(0x61, 0xF0, 0x9F, 0x98, 0x80, 0x80), 4, "byte 0x80"),
    .init(bytes: quoted(0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0xE9), 10, "byte 0xE9"),
  ]

  static let duplicates: [RefusedText] = [
    .init(#"{"a":1,"a":1}"#, 8, "the key \"a\" stands twice"), .init(#"{"a":1,"b":2,"a":3}"#, 14, "\"a\""),
    .init(#"{"":1,"":2}"#, 7, "the key \"\""), .init(#"{"a":1,"\u0061":2}"#, 8, "\"a\""),
    .init(#"{"\u0061":1,"a":2}"#, 13, "\"a\""), .init(#"{"\u0061":1,"\u0061":2}"#, 13, "\"a\""),
    .init(#"{"/":1,"\/":2}"#, 8, "\"/\""), .init(#"{"\n":1,"\u000A":2}"#, 9, "\"\\n\""),
    .init(#"{"😀":1,"\uD83D\uDE00":2}"#, 8, "\"😀\""), .init(#"[{"x":{"a":1,"a":2}}]"#, 14, "\"a\""),
    .init(#"{"a":{"b":1},"a":{"b":1}}"#, 14, "\"a\""), .init(#"{"é":1,"\u00e9":2}"#, 8, "\"é\""),
    .init(#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"a":1}"#, 80, "\"a\""),
    .init(#"{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"\u006d":1}"#, 80, "\"m\""),
  ]

  @Test(
    "is refused, with its place and a reason",
    arguments: structure + words + numbers + strings + encoding + duplicates)
  func refuses(_ text: RefusedText) throws {
    let error = try #require(refusal(of: text.bytes), "it was accepted")
    #expect(error.line == text.line)
    #expect(error.column == text.column)
    #expect(error.detail.contains(text.detail), "\(error.detail)")
  }

  @Test("every beginning of a text is refused but the whole")
  func refusesEveryBeginning() {
    let text = Array(#"{"a":[1.5e3,true,"é\ud83d\ude00\n",null,{"b":{}}]}"#.utf8)
    for length in text.indices { #expect(refusal(of: Array(text[..<length])) != nil, "\(length) bytes") }
    #expect(refusal(of: text) == nil)
  }

  @Test("whichever key of a large object comes again, it is found", arguments: ["", #"\u0061"#])
  func refusesEveryRepetition(_ prefix: String) {
    let keys = (0..<200).map { "\(prefix)\($0)" }
    let members = keys.map { "\"\($0)\":0" }.joined(separator: ",")
    #expect(refusal(of: "{\(members)}") == nil)
    for key in keys { #expect(refusal(of: "{\(members),\"\(key)\":0}") != nil, "\(key)") }
  }
}
