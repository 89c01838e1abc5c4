import Foundation
import Testing

@testable import Multiprocessing

@Suite("The codec of values")
struct ValueCodecTests {
  private func back<Value: Codable>(_ value: Value) throws -> Value {
    try ValueCodec.decode(Value.self, from: try ValueCodec.encode(value))
  }

  private func returns<Value: Codable & Equatable>(_ values: Value...) throws {
    for value in values { #expect(try back(value) == value) }
  }

  @Test("numbers of every width come back, the extremes too")
  func numbers() throws {
    try returns(Int.min, -1, 0, Int.max)
    try returns(Int8.min, Int8.max)
    try returns(UInt16.max)
    try returns(Int32.min)
    try returns(UInt64.max)
    try returns(Int128.min, Int128.max)
    try returns(UInt128.max)
    try returns(Float.greatestFiniteMagnitude, -.infinity)
    try returns(true, false)
  }

  @Test("NaN keeps its payload, and zero its sign")
  func exactFloats() throws {
    let odd = Double(bitPattern: 0x7ff8_0000_dead_beef)
    #expect(try back(odd).bitPattern == odd.bitPattern)
    #expect(try back(-0.0).sign == .minus)
    #expect(try back([odd, -0.0]).map(\.bitPattern) == [odd, -0.0].map(\.bitPattern))
    #expect(try back(Float(bitPattern: 0x7fc0_1234)).bitPattern == 0x7fc0_1234)
  }

  @Test("texts come back: empty, long, of any plane")
  func texts() throws {
    try returns("", "a", "żółć 🧶", String(repeating: "long ", count: 100_000))
    try returns(["", "x", "🧶"])
  }

  @Test("arrays of numbers are one block of bytes")
  func blocks() throws {
    try returns([Int](), Array(0..<1000))
    try returns([UInt8](repeating: 7, count: 70_000))
    try returns([Float](arrayLiteral: 1.5, -2))
    #expect(try ValueCodec.encode([UInt8](repeating: 7, count: 70_000)).count < 70_010)
    #expect(try ValueCodec.encode(Array(0..<1000)).count < 8010)
  }

  @Test("nil within nil, optionals, sets, dictionaries and tuples of arguments come back")
  func containers() throws {
    try returns([Int?.none, 3, nil])
    try returns(["a": [1.5], "": []])
    try returns([1: "one", -7: "minus seven"])
    try returns(Set(["x", "y"]))
    try returns([[1: [true]], [:]])
    try returns(1..<5)
    let nested: [Int??] = [.none, .some(.none), .some(3)]
    // Codable itself makes no difference between none and none within some.
    #expect(try back(nested) == [nil, nil, 3])
    let arguments = try back(Arguments(7, "x", [1.5]))
    #expect(arguments.values.0 == 7 && arguments.values.1 == "x" && arguments.values.2 == [1.5])
  }

  private enum Shape: Codable, Equatable {
    case point
    case circle(radius: Double)
    indirect case group([Shape], name: String?)
  }

  private struct Record: Codable, Equatable {
    var id: UInt32
    var name: String?
    var shape: Shape
    var tags: [String: [Int]]
    var date: Date
    var url: URL?
    var data: Data
  }

  @Test("structs, enums with values, dates, data and URLs come back")
  func records() throws {
    let record = Record(
      id: 7, name: nil, shape: .group([.point, .circle(radius: .pi), .group([], name: "inner")], name: nil),
      tags: ["a": [1, 2], "b": []], date: Date(timeIntervalSince1970: 1.25), url: URL(string: "http://localhost/x?y"),
      data: Data([0, 255, 7]))
    try returns(record)
    try returns(Array(repeating: record, count: 300))
  }

  private class Animal: Codable {
    var name: String
    init(name: String) { self.name = name }
  }

  private final class Dog: Animal {
    var legs: Int
    init(name: String, legs: Int) {
      self.legs = legs
      super.init(name: name)
    }
    private enum Keys: CodingKey { case legs }
    required init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      legs = try container.decode(Int.self, forKey: .legs)
      try super.init(from: try container.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      // Written into after its parent went on.
      let above = container.superEncoder()
      try container.encode(legs, forKey: .legs)
      try super.encode(to: above)
    }
  }

  @Test("a class and its superclass come back, though they write by turns")
  func classes() throws {
    let dog = try back(Dog(name: "Ida", legs: 3))
    #expect(dog.name == "Ida" && dog.legs == 3)
  }

  /// Writes an array and reads its elements one by one, and the other way round.
  private struct Crosswise: Codable, Equatable {
    var numbers: [Int]

    enum Keys: CodingKey { case block, each }

    init(_ numbers: [Int]) { self.numbers = numbers }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Keys.self)
      try container.encode(numbers, forKey: .block)
      var each = container.nestedUnkeyedContainer(forKey: .each)
      for number in numbers { try each.encode(number) }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Keys.self)
      // In the other order, too.
      numbers = try container.decode([Int].self, forKey: .each)
      var block = try container.nestedUnkeyedContainer(forKey: .block)
      for number in numbers where try block.decode(Int.self) != number {
        throw DecodingError.dataCorruptedError(in: block, debugDescription: "another number")
      }
      if !block.isAtEnd { throw DecodingError.dataCorruptedError(in: block, debugDescription: "one more") }
    }
  }

  @Test("a block can be read one by one, and single numbers as an array")
  func crosswise() throws { try returns(Crosswise([]), Crosswise([3, 1, 2])) }

  // MARK: - What is refused

  private struct Endless: Codable {
    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(self)
    }
    init() {}
    init(from decoder: any Decoder) throws { _ = try decoder.singleValueContainer().decode(Endless.self) }
  }

  @Test("a value that is nested for ever is refused, and so are such bytes")
  func depth() throws {
    #expect(throws: ValueCodingError.self) { try ValueCodec.encode(Endless()) }
    #expect(throws: ValueCodingError.self) { try ValueCodec.decode(Endless.self, from: [ValueTag.no.rawValue]) }
  }

  private struct Unwilling: Codable {
    var inner: [Inner] = [Inner()]
    struct Inner: Codable {
      init() {}
      init(from decoder: any Decoder) throws {}
      func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
          self, EncodingError.Context(codingPath: encoder.codingPath, debugDescription: "not this one"))
      }
    }
  }

  @Test("an error says the type, the place and the reason")
  func errors() {
    #expect(throws: ValueCodingError.unencodable(type: "Unwilling", reason: "inner.0: not this one")) {
      try ValueCodec.encode(Unwilling())
    }
    #expect(throws: ValueCodingError.undecodable(type: "Int", reason: "int64 was expected, and text is there")) {
      try ValueCodec.decode(Int.self, from: try ValueCodec.encode("x"))
    }
  }

  @Test("a number of another width is refused, and never cut")
  func widths() throws {
    let bytes = try ValueCodec.encode(Int(300))
    #expect(throws: ValueCodingError.self) { try ValueCodec.decode(UInt8.self, from: bytes) }
    #expect(throws: ValueCodingError.self) { try ValueCodec.decode([Int32].self, from: try ValueCodec.encode([1, 2])) }
  }

  @Test("bytes cut short anywhere, or with one too many, are refused")
  func truncated() throws {
    let whole = try ValueCodec.encode(["a": [1, 2], "b": [3]])
    for count in 0..<whole.count {
      #expect(throws: ValueCodingError.self) {
        try ValueCodec.decode([String: [Int]].self, from: Array(whole.prefix(count)))
      }
    }
    #expect(throws: ValueCodingError.self) { try ValueCodec.decode([String: [Int]].self, from: whole + [0]) }
  }

  @Test("200,000 damaged messages throw or give a value, and trap nothing")
  func fuzz() throws {
    var random = Xorshift(state: 20_261_122)
    let record = Record(
      id: 7, name: "n", shape: .group([.point, .circle(radius: 2)], name: "g"), tags: ["a": [1, 2], "b": []],
      date: .distantPast, url: nil, data: Data([1, 2, 3]))
    let seeds = [
      try ValueCodec.encode(record), try ValueCodec.encode([[1, 2, 3], []]), try ValueCodec.encode(["x", "yy"]),
      try ValueCodec.encode([1: Int?.none, 2: 5]),
    ]
    for round in 0..<200_000 {
      var bytes = seeds[round % seeds.count]
      for _ in 0...Int(random.next() % 4) {
        let place = Int(random.next() % UInt64(bytes.count))
        switch random.next() % 4 {
        case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
        case 1: bytes.removeSubrange(place...)
        case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        default: bytes[place] ^= 1 << UInt8(random.next() % 8)
        }
        if bytes.isEmpty { bytes = [0] }
      }
      // Either is right, as long as it ends.
      switch round % seeds.count {
      case 0: _ = try? ValueCodec.decode(Record.self, from: bytes)
      case 1: _ = try? ValueCodec.decode([[Int]].self, from: bytes)
      case 2: _ = try? ValueCodec.decode([String].self, from: bytes)
      default: _ = try? ValueCodec.decode([Int: Int?].self, from: bytes)
      }
    }
  }

  // MARK: - Files

  @Test("open files go beside the bytes, each once, at most sixteen")
  func files() throws {
    let file = try memoryFile()
    let encoded = try ValueCodec.encodeWithFiles([PassedFile(file), PassedFile(file)])
    #expect(encoded.files.count == 1 && encoded.files[0] === file)
    let back = try ValueCodec.decode([PassedFile].self, from: encoded.bytes, files: encoded.files)
    #expect(back.allSatisfy { $0.file === file })
    #expect(throws: ValueCodingError.self) { try ValueCodec.decode([PassedFile].self, from: encoded.bytes) }
    #expect(throws: ValueCodingError.self) { try ValueCodec.encode(PassedFile(file)) }
    let many = try (0...PoolCall.mostFiles).map { _ in PassedFile(try memoryFile()) }
    #expect(throws: ValueCodingError.self) { try ValueCodec.encodeWithFiles(many) }
    #expect(throws: Never.self) { try ValueCodec.encodeWithFiles(many.dropLast()) }
  }

  private func memoryFile() throws -> SharedFile { SharedFile(try SealedMemory.write([1])) }

  @Test("a decoder that is kept beyond its time reads nothing")
  func keptDecoder() throws {
    struct Thief: Codable {
      nonisolated(unsafe) static var kept: (any Decoder)?
      init() {}
      func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(7)
      }
      init(from decoder: any Decoder) throws { Self.kept = decoder }
    }
    _ = try ValueCodec.decode(Thief.self, from: try ValueCodec.encode(Thief()))
    #expect(throws: (any Error).self) { try Thief.kept?.singleValueContainer().decode(Int.self) }
    Thief.kept = nil
  }
}

/// Marsaglia's xorshift64: the same numbers in every run.
private struct Xorshift: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}
