/// An array of numbers as it travels: `numbers`, what they are, how many, and the numbers as they lie in memory.
enum NumberBlock {
  /// Before the numbers: two tags, and a count of at most nine bytes.
  private static let longestHead = 11

  static func bytes(_ number: ValueTag, _ content: UnsafeRawBufferPointer) -> [UInt8] {
    guard let size = number.numberByteCount else { preconditionFailure("\(number) is no number") }
    return [UInt8](unsafeUninitializedCapacity: longestHead + content.count) { buffer, filled in
      buffer[0] = ValueTag.numbers.rawValue
      buffer[1] = number.rawValue
      filled = 2
      var count = UInt(content.count / size)
      while count >= 0x80 {
        buffer[filled] = UInt8(truncatingIfNeeded: count) | 0x80
        filled += 1
        count >>= 7
      }
      buffer[filled] = UInt8(count)
      filled += 1
      let rest = UnsafeMutableRawBufferPointer(buffer)[filled...]
      UnsafeMutableRawBufferPointer(rebasing: rest).copyMemory(from: content)
      filled += content.count
    }
  }

  /// The numbers in `bytes`; `nil`: they are anything but one block of these numbers.
  static func content(of bytes: UnsafeRawBufferPointer, _ number: ValueTag) -> UnsafeRawBufferPointer? {
    guard let size = number.numberByteCount, bytes.count >= 3, bytes[0] == ValueTag.numbers.rawValue,
      bytes[1] == number.rawValue
    else { return nil }
    var count: UInt = 0
    for index in 2..<min(bytes.count, longestHead) {
      count |= UInt(bytes[index] & 0x7f) << UInt(7 * (index - 2))
      if bytes[index] & 0x80 != 0 { continue }
      let (byteCount, overflow) = Int(count).multipliedReportingOverflow(by: size)
      if overflow || byteCount != bytes.count - index - 1 { return nil }
      return UnsafeRawBufferPointer(rebasing: bytes[(index + 1)...])
    }
    return nil
  }
}

/// Numbers of one type whose place is known before they come. Each place is written once, by one at a time; no two at once
/// may want the same.
final class NumberBuffer: @unchecked Sendable {
  // @unchecked: see above; and it is read when all is written.
  private let number: ValueTag
  private let size: Int
  private let buffer: UnsafeMutableRawBufferPointer

  init(of number: ValueTag, count: Int) {
    guard let size = number.numberByteCount else { preconditionFailure("\(number) is no number") }
    self.number = number
    self.size = size
    buffer = .allocate(byteCount: count * size, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// False: `bytes` are not a block of so many of these numbers, and nothing was put.
  func put(_ bytes: UnsafeRawBufferPointer, at range: Range<Int>) -> Bool {
    guard let content = NumberBlock.content(of: bytes, number), content.count == range.count * size else {
      return false
    }
    place(range).copyMemory(from: content)
    return true
  }

  func put<Number>(_ numbers: [Number], at range: Range<Int>) {
    numbers.withUnsafeBytes { place(range).copyMemory(from: $0) }
  }

  /// All of it, for who knows their type.
  func array<Number>(of type: Number.Type) -> [Number] {
    [Number](unsafeUninitializedCapacity: buffer.count / size) { numbers, filled in
      UnsafeMutableRawBufferPointer(numbers).copyMemory(from: UnsafeRawBufferPointer(buffer))
      filled = buffer.count / size
    }
  }

  private func place(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: buffer[range.lowerBound * size..<range.upperBound * size])
  }
}
