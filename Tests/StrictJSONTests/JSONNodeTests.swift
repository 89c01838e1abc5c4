import StrictJSON
import Testing

@Suite("Nodes")
struct JSONNodeTests {
  @Test("a node knows its kind, and answers only to it")
  func kinds() throws {
    let node = try parse(#"[null, true, false, 1, "a", [1,2], {"a":1}]"#)
    #expect(node.elements.map(\.kind) == [.null, .boolean, .boolean, .number, .string, .array, .object])
    #expect(node.elements.map(\.isNull) == [true, false, false, false, false, false, false])
    #expect(node.elements.map(\.boolValue) == [nil, true, false, nil, nil, nil, nil])
    #expect(node.elements.map(\.stringValue) == [nil, nil, nil, nil, "a", nil, nil])
    #expect(node.elements.map(\.intValue) == [nil, nil, nil, 1, nil, nil, nil])
    #expect(node.elements.map(\.doubleValue) == [nil, nil, nil, 1, nil, nil, nil])
    #expect(node.elements.map(\.count) == [0, 0, 0, 0, 0, 2, 1])
    #expect(node.elements.map { Array($0.elements).count } == [0, 0, 0, 0, 0, 2, 0])
    #expect(node.elements.map { Array($0.members).count } == [0, 0, 0, 0, 0, 0, 1])
    #expect(node.elements.map { $0["a"] != nil } == [false, false, false, false, false, false, true])
    #expect(node.count == 7)
  }

  @Test("members come in the order of the text, whatever stands inside them")
  func members() throws {
    let node = try parse(#"{"b":{"x":[1,{"y":2}],"z":3}, "a\n\u00e9" : [] ,"":{}, "c":-1}"#)
    #expect(node.members.map(\.key) == ["b", "a\né", "", "c"])
    #expect(
      node.members.map { String(decoding: $0.value.rawSlice, as: UTF8.self) }
        == [#"{"x":[1,{"y":2}],"z":3}"#, "[]", "{}", "-1"])
    #expect(node["a\né"]?.kind == .array)
    #expect(node["c"]?.intValue == -1)
    #expect(node[""]?.kind == .object)
    #expect(node["x"] == nil)
    #expect(node["b"]?["z"]?.intValue == 3)
  }

  @Test("raw bytes are what was sent: white space, number spelling and escapes included")
  func rawBytes() throws {
    let args = "{ \"n\" : 9007199254740993.10E+02,\n\t\"s\":\"\\u0041\\/\" , \"a\":[ 1 ,2 ] }"
    let node = try parse("  {\"handler\":\"x\",\"args\" :  \(args) ,\"metadata\":{}}\n")
    #expect(node["args"]?.rawBytes == Array(args.utf8))
    #expect(node["args"]?["n"]?.rawBytes == Array("9007199254740993.10E+02".utf8))
    #expect(node["args"]?["s"]?.rawBytes == Array("\"\\u0041\\/\"".utf8))
    #expect(node["args"]?["s"]?.stringValue == "A/")
  }

  @Test(
    "strings are unescaped",
    arguments: [
      (#""""#, ""), (#""a""#, "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u0000""#, "\0"),
      (#""\u007f\u0080\u07ff\u0800\uffff""#, "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}"), (#""\ud83d\uDE00""#, "😀"),
      (#""\uD800\uDC00\uDBFF\uDFFF""#, "\u{10000}\u{10FFFF}"), ("\"é€😀\"", "é€😀"),
      (#""é\u20AC😀\\u0041""#, "é€😀\\u0041"),
    ])
  func strings(_ text: String, _ value: String) throws {
    let node = try parse(text)
    #expect(node.stringValue.map { Array($0.unicodeScalars) } == Array(value.unicodeScalars))
    #expect(node.stringBytes == Array(value.utf8))
  }

  @Test(
    "integers are exact or none",
    arguments: [
      ("0", 0), ("-0", 0), ("0.0", 0), ("0e5", 0), ("-0.000e-5", 0), ("0e99999999999999999999", 0), ("1", 1),
      ("-1", -1),
      ("1.0", 1), ("1.000", 1), ("1e0", 1), ("1e3", 1000), ("1E+3", 1000), ("1.5e1", 15), ("12.50e1", 125),
      ("12.50e2", 1250), ("1000e-3", 1), ("120e-1", 12), ("0.001e3", 1), ("0.0010e5", 100), ("100.00e-2", 1),
      ("9223372036854775807", .max), ("-9223372036854775808", .min), ("9223372036854775807.0", .max),
      ("922337203685477580700e-2", .max), ("-0.9223372036854775808e19", .min),
      ("9007199254740993", 9_007_199_254_740_993),
      ("1e18", 1_000_000_000_000_000_000), ("1.5", nil), ("0.1", nil), ("1e-1", nil), ("15e-1", nil), ("12.50e0", nil),
      ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1e19", nil), ("1e400", nil), ("1e-400", nil),
      ("9223372036854775806.5", nil), ("1e99999999999999999999", nil), ("1e-99999999999999999999", nil),
      ("10e18", nil), ("-1e19", nil),
    ] as [(String, Int?)])
  func integers(_ text: String, _ value: Int?) throws { #expect(try parse(text).intValue == value) }

  @Test("integers fit their type or are none")
  func narrowIntegers() throws {
    #expect(try parse("127").integer(as: Int8.self) == 127)
    #expect(try parse("128").integer(as: Int8.self) == nil)
    #expect(try parse("-128").integer(as: Int8.self) == -128)
    #expect(try parse("-129").integer(as: Int8.self) == nil)
    #expect(try parse("1e2").integer(as: Int8.self) == 100)
    #expect(try parse("1000").integer(as: Int8.self) == nil)
    #expect(try parse("255").integer(as: UInt8.self) == 255)
    #expect(try parse("256").integer(as: UInt8.self) == nil)
    #expect(try parse("-1").integer(as: UInt8.self) == nil)
    #expect(try parse("-0").integer(as: UInt8.self) == 0)
    #expect(try parse("-128.0").integer(as: Int8.self) == -128)
    #expect(try parse("-129.0").integer(as: Int8.self) == nil)
    #expect(try parse("128.0").integer(as: Int8.self) == nil)
    #expect(try parse("-1.0").integer(as: UInt8.self) == nil)
    #expect(try parse("25.5e1").integer(as: UInt8.self) == 255)
    #expect(try parse("25.6e1").integer(as: UInt8.self) == nil)
    #expect(try parse("999999999999999999").intValue == 999_999_999_999_999_999)
    #expect(try parse("-99999999999999999").intValue == -99_999_999_999_999_999)
    #expect(try parse("-999999999999999999").intValue == -999_999_999_999_999_999)
    #expect(try parse("18446744073709551615").integer(as: UInt64.self) == .max)
    #expect(try parse("18446744073709551616").integer(as: UInt64.self) == nil)
    #expect(try parse("123456789012345678901234567890.5").isIntegral == false)
    #expect(try parse("1234567890123456789012345678905e-1").isIntegral == false)
    #expect(try parse("1234567890123456789012345678900e-1").isIntegral)
    #expect(try parse("\"1\"").isIntegral == false)
  }

  @Test("doubles are the nearest, and finite")
  func doubles() throws {
    #expect(try parse("0.1").doubleValue == 0.1)
    #expect(try parse("-1.5e3").doubleValue == -1500)
    #expect(try parse("1e-400").doubleValue == 0)
    #expect(try parse("1e400").doubleValue == nil)
    #expect(try parse("1.7976931348623157e308").doubleValue == .greatestFiniteMagnitude)
    #expect(try parse("5e-324").doubleValue == .leastNonzeroMagnitude)
    #expect(try parse("-0").doubleValue?.sign == .minus)
    #expect(try parse("9007199254740993").doubleValue == 9_007_199_254_740_992)
  }
}
