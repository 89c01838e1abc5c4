/// Arrays of one type to bytes and back, many times over: whether they are of numbers is asked once. The bytes are those of
/// ``ValueCodec``.
struct ArrayCoding<Element: Codable>: Sendable {
  /// What the elements are, if they are numbers.
  let number: ValueTag?

  init() { number = (Element.self as? any FixedWidthNumber.Type)?.tag }

  /// The bytes of the values in `range`.
  func encode(_ values: [Element], _ range: Range<Int>) throws(ValueCodingError) -> EncodedValue {
    guard let number else {
      return try ValueCodec.encodeWithFiles(range.count == values.count ? values : Array(values[range]))
    }
    let bytes = values.withUnsafeBytes { raw in
      let size = MemoryLayout<Element>.size
      let content = raw[range.lowerBound * size..<range.upperBound * size]
      return NumberBlock.bytes(number, UnsafeRawBufferPointer(rebasing: content))
    }
    return EncodedValue(bytes: bytes, files: [])
  }

  func decode(_ bytes: UnsafeRawBufferPointer, files: [SharedFile]) throws(ValueCodingError) -> [Element] {
    // Whatever is not a block of these numbers is the codec's, which says what is wrong with it.
    guard let number, let content = NumberBlock.content(of: bytes, number) else {
      return try ValueCodec.decode([Element].self, from: bytes, files: files)
    }
    return [Element](unsafeUninitializedCapacity: content.count / MemoryLayout<Element>.size) { buffer, filled in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: content)
      filled = buffer.count
    }
  }
}
