import Testing

@testable import Multiprocessing

@Suite("Arrays of one type as bytes, many times over")
struct ArrayCodingTests {
  private func bytes<Element: Codable>(_ values: [Element]) throws -> [UInt8] {
    try ArrayCoding<Element>().encode(values, 0..<values.count).bytes
  }

  private func array<Element: Codable>(_ type: Element.Type, _ bytes: [UInt8]) throws -> [Element] {
    try bytes.withUnsafeBytes { try ArrayCoding<Element>().decode($0, files: []) }
  }

  @Test("are the codec's bytes and come back, numbers or not", arguments: [0, 1, 127, 128, 16_384, 20_000])
  func sameBytes(count: Int) throws {
    let numbers = (0..<count).map { $0 * -3 }
    #expect(try bytes(numbers) == ValueCodec.encode(numbers))
    #expect(try array(Int.self, try bytes(numbers)) == numbers)
    let halves = numbers.map { Float($0) / 2 }
    #expect(try bytes(halves) == ValueCodec.encode(halves))
    #expect(try array(Float.self, try bytes(halves)) == halves)
    let texts = numbers.map { "\($0)" }
    #expect(try bytes(texts) == ValueCodec.encode(texts))
    #expect(try array(String.self, try bytes(texts)) == texts)
  }

  @Test("a range is encoded as if it were the whole array")
  func range() throws {
    let numbers = Array(0..<100)
    #expect(try ArrayCoding<Int>().encode(numbers, 20..<50).bytes == ValueCodec.encode(Array(20..<50)))
    let texts = numbers.map { "\($0)" }
    #expect(try ArrayCoding<String>().encode(texts, 98..<100).bytes == ValueCodec.encode(["98", "99"]))
  }

  @Test("numbers that were not written as a block are read too")
  func sequence() throws {
    struct OneByOne: Encodable {
      func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        for number in 1...3 { try container.encode(number) }
      }
    }
    #expect(try array(Int.self, try ValueCodec.encode(OneByOne())) == [1, 2, 3])
  }

  @Test("other numbers, and bytes cut short or with one too many, are refused in the codec's words")
  func refused() throws {
    let bytes = try bytes([1, 2, 3])
    #expect(throws: ValueCodingError.self) { try array(Double.self, bytes) }
    #expect(throws: ValueCodingError.self) { try array(Int32.self, bytes) }
    for count in 0..<bytes.count {
      #expect(throws: ValueCodingError.self) { try array(Int.self, Array(bytes[..<count])) }
    }
    #expect(throws: ValueCodingError.self) { try array(Int.self, bytes + [0]) }
  }

  @Test("a count that was made up reserves nothing and traps nothing")
  func madeUp() throws {
    let head = [ValueTag.numbers.rawValue, ValueTag.int64.rawValue]
    for count in [
      [0xff], [0xff, 0xff, 0xff, 0x7f], Array(repeating: 0xff, count: 8) + [0x7f], Array(repeating: 0xff, count: 40),
    ]
      as [[UInt8]]
    {
      #expect(throws: ValueCodingError.self) { try array(Int.self, head + count + Array(repeating: 0, count: 16)) }
    }
  }
}

@Suite("Numbers whose place is known before they come")
struct NumberBufferTests {
  @Test("lie at their places, in whatever order they came")
  func places() throws {
    let buffer = NumberBuffer(of: .int64, count: 5)
    let last = try ValueCodec.encode([4, 5])
    #expect(last.withUnsafeBytes { buffer.put($0, at: 3..<5) })
    buffer.put([1, 2, 3], at: 0..<3)
    #expect(buffer.array(of: Int.self) == [1, 2, 3, 4, 5])
  }

  @Test("more or fewer than there are places for, or of another type, are not put")
  func refused() throws {
    let buffer = NumberBuffer(of: .int64, count: 2)
    buffer.put([7, 8], at: 0..<2)
    for bytes in [
      try ValueCodec.encode([1]), try ValueCodec.encode([1, 2, 3]), try ValueCodec.encode([1.0, 2.0]),
      try ValueCodec.encode(["1", "2"]),
    ] {
      #expect(!bytes.withUnsafeBytes { buffer.put($0, at: 0..<2) })
    }
    #expect(buffer.array(of: Int.self) == [7, 8])
  }
}
