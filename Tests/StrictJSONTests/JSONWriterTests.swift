import StrictJSON
import Testing

@Suite("Writing")
struct JSONWriterTests {
  private func written(_ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    body(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test("commas stand between values and nowhere else")
  func commas() {
    let text = written { writer in
      writer.beginObject()
      writer.key("a")
      writer.beginArray()
      writer.int(1)
      writer.beginArray()
      writer.endArray()
      writer.beginObject()
      writer.endObject()
      writer.null()
      writer.endArray()
      writer.key(named: "b\"")
      writer.bool(true)
      writer.key("c")
      writer.raw(Array("[1, 2]".utf8))
      writer.key("d")
      writer.beginObject()
      writer.key("e")
      writer.string("f")
      writer.endObject()
      writer.key("g")
      writer.bool(false)
      writer.endObject()
    }
    #expect(text == #"{"a":[1,[],{},null],"b\"":true,"c":[1, 2],"d":{"e":"f"},"g":false}"#)
  }

  @Test("strings are escaped where they must be")
  func strings() {
    #expect(written { $0.string("") } == #""""#)
    #expect(written { $0.string("a\"b\\c/d") } == #""a\"b\\c/d""#)
    #expect(written { $0.string("\u{8}\u{9}\n\u{C}\r") } == #""\b\t\n\f\r""#)
    #expect(written { $0.string("\u{0}\u{1F}\u{7F}é😀\u{2028}") } == "\"\\u0000\\u001f\u{7F}é😀\u{2028}\"")
  }

  @Test("numbers are the shortest that read back the same")
  func numbers() {
    #expect(written { $0.int(0) } == "0")
    #expect(written { $0.int(Int.min) } == "-9223372036854775808")
    #expect(written { $0.int(UInt64.max) } == "18446744073709551615")
    #expect(written { $0.int(Int8.min) } == "-128")
    #expect(written { $0.double(0.1) } == "0.1")
    #expect(written { $0.double(100) } == "100")
    #expect(written { $0.double(-3) } == "-3")
    #expect(written { $0.double(-0.0) } == "-0.0")
    #expect(written { $0.double(1e300) } == "1e+300")
    #expect(written { $0.double(.leastNonzeroMagnitude) } == "5e-324")
  }

  @Test("what was written is read back the same, for random values", arguments: 0..<20)
  func roundTrip(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed))
    for _ in 0..<50 {
      let value = RandomValue.random(depth: 5, using: &generator)
      var writer = JSONWriter()
      value.write(to: &writer)
      let root = try JSONDocument.parse(writer.bytes).root
      #expect(RandomValue(root) == value, "seed \(seed)")
      #expect(root.rawBytes == writer.bytes)
    }
  }

  @Test("a text with one byte changed is refused, or is read as it stands", arguments: 0..<10)
  func mutations(seed: Int) throws {
    var generator = SeededGenerator(seed: UInt64(seed) + 1000)
    var writer = JSONWriter()
    RandomValue.random(depth: 5, using: &generator).write(to: &writer)
    for _ in 0..<500 {
      var bytes = writer.bytes
      bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255, using: &generator)
      guard refusal(of: bytes) == nil else { continue }
      // What is accepted means the same when it is written anew.
      let value = try RandomValue(#require(try? JSONDocument.parse(bytes)).root)
      var again = JSONWriter()
      value.write(to: &again)
      #expect(RandomValue(try JSONDocument.parse(again.bytes).root) == value)
    }
  }
}

/// A JSON value as a tree, to compare with.
private indirect enum RandomValue: Equatable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  /// A number that no `Double` holds: its text.
  case largeNumber([UInt8])
  case string([Unicode.Scalar])
  case array([RandomValue])
  case object([Member])

  struct Member: Equatable {
    let key: [Unicode.Scalar]
    let value: RandomValue
  }

  static func random(depth: Int, using generator: inout SeededGenerator) -> RandomValue {
    switch Int.random(in: 0..<(depth == 0 ? 6 : 10), using: &generator) {
    case 0: .null
    case 1: .bool(.random(using: &generator))
    case 2: .int(Int(truncatingIfNeeded: generator.next() >> UInt64.random(in: 0..<64, using: &generator)))
    case 3: .double(.random(in: -1e6...1e6, using: &generator) + 0.123456789)
    case 4, 5: .string(scalars(using: &generator))
    case 6, 7:
      .array((0..<Int.random(in: 0..<5, using: &generator)).map { _ in random(depth: depth - 1, using: &generator) })
    default:
      .object(
        (0..<Int.random(in: 0..<20, using: &generator)).map { number in
          // The number keeps the keys apart.
          Member(
            key: scalars(using: &generator) + Array("\(number)".unicodeScalars),
            value: random(depth: depth - 2 < 0 ? 0 : depth - 2, using: &generator))
        })
    }
  }

  private static func scalars(using generator: inout SeededGenerator) -> [Unicode.Scalar] {
    let highest: [UInt32] = [0x20, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF]
    return (0..<Int.random(in: 0..<20, using: &generator)).compactMap { _ in
      Unicode.Scalar(.random(in: 0...highest.randomElement(using: &generator)!, using: &generator))  // not empty
    }
  }

  func write(to writer: inout JSONWriter) {
    switch self {
    case .null: writer.null()
    case .bool(let value): writer.bool(value)
    case .int(let value): writer.int(value)
    case .double(let value): writer.double(value)
    case .largeNumber(let text): writer.raw(text)
    case .string(let scalars): writer.string(Self.string(scalars))
    case .array(let elements):
      writer.beginArray()
      for element in elements { element.write(to: &writer) }
      writer.endArray()
    case .object(let members):
      writer.beginObject()
      for member in members {
        writer.key(named: Self.string(member.key))
        member.value.write(to: &writer)
      }
      writer.endObject()
    }
  }

  private static func string(_ scalars: [Unicode.Scalar]) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  init(_ node: JSONNode) {
    switch node.kind {
    case .null: self = .null
    case .boolean: self = .bool(node.boolValue == true)
    case .number:
      if let value = node.intValue {
        self = .int(value)
      } else {
        self = node.doubleValue.map { .double($0) } ?? .largeNumber(node.rawBytes)
      }
    case .string: self = .string(Array((node.stringValue ?? "").unicodeScalars))
    case .array: self = .array(node.elements.map(RandomValue.init))
    case .object:
      self = .object(node.members.map { Member(key: Array($0.key.unicodeScalars), value: RandomValue($0.value)) })
    }
  }
}
