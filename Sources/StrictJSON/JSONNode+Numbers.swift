// What a number's text is worth. The text itself is never rounded: `rawBytes` has it as it was sent.

extension JSONNode {
  /// A number that is an integer, exactly: `1.0` and `1e3` are, `1.5` is not, and neither is what an `Int` does not hold.
  public var intValue: Int? { integer(as: Int.self) }

  /// A number that is an integer, exactly, and fits the type.
  public func integer<Integer: FixedWidthInteger>(as type: Integer.Type) -> Integer? {
    if let value = plainInteger { return Integer(exactly: value) }
    return kind == .number ? DecimalText(rawSlice).integer(as: type) : nil
  }

  /// Whether a number has no fraction, whatever its size.
  public var isIntegral: Bool { plainInteger != nil || kind == .number && DecimalText(rawSlice).isIntegral }

  /// An integer as nearly all are written: a sign, and no more digits than an `Int` is sure to hold.
  private var plainInteger: Int? {
    let entry = self.entry
    guard entry.kind == .number, entry.end - entry.start <= 18 else { return nil }
    return storage.bytes.withUnsafeBufferPointer { bytes in
      let isNegative = bytes[Int(entry.start)] == UInt8(ascii: "-")
      var value = 0
      for byte in bytes[Int(entry.start) + (isNegative ? 1 : 0)..<Int(entry.end)] {
        let digit = byte &- UInt8(ascii: "0")
        if digit > 9 { return nil }
        value = value &* 10 &+ Int(digit)
      }
      return isNegative ? -value : value
    }
  }

  /// A number as the nearest `Double`; `nil` where it is beyond the largest.
  public var doubleValue: Double? {
    guard kind == .number, let value = Double(String(decoding: rawSlice, as: UTF8.self)), value.isFinite else {
      return nil
    }
    return value
  }
}

/// A number taken apart: `sign digits × 10^exponent`, where the digits neither begin nor end with a zero. Linear in the
/// text: no power of ten is worked out before it is known to fit.
private struct DecimalText {
  private let isNegative: Bool
  /// ASCII digits, and the '.' that may stand among them.
  private let digits: ArraySlice<UInt8>
  private let digitCount: Int
  private let exponent: Int

  /// - Parameter text: a number that was scanned, so its grammar is known to be right.
  init(_ text: ArraySlice<UInt8>) {
    isNegative = text.first == UInt8(ascii: "-")
    let mantissa = text.drop { $0 == UInt8(ascii: "-") }.prefix { $0 | 0x20 != UInt8(ascii: "e") }
    let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.endIndex
    let leading = mantissa.drop { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
    guard
      let last = leading.lastIndex(where: { $0 != UInt8(ascii: "0") && $0 != UInt8(ascii: ".") })
    else {
      (digits, digitCount, exponent) = ([], 0, 0)
      return
    }
    digits = leading[...last]
    digitCount = digits.count - (digits.contains(UInt8(ascii: ".")) ? 1 : 0)
    // The last digit's place: units are the 0th, the first after the point is the -1st.
    let place = last < point ? point - last - 1 : point - last
    exponent = place + Self.exponent(text[mantissa.endIndex...].dropFirst())
  }

  /// The number after the `e`; limited to what no text's digits can make up for.
  private static func exponent(_ text: ArraySlice<UInt8>) -> Int {
    var value = 0
    for byte in text where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "+") {
      value = min(value * 10 + Int(byte - UInt8(ascii: "0")), 1 << 40)
    }
    return text.first == UInt8(ascii: "-") ? -value : value
  }

  /// The last digit is not zero, so nothing of it may stand behind the point.
  var isIntegral: Bool { exponent >= 0 }

  func integer<Integer: FixedWidthInteger>(as type: Integer.Type) -> Integer? {
    // A decimal digit is worth more than three bits, so no type holds more digits than this.
    guard isIntegral, digitCount + exponent <= Integer.bitWidth / 3 + 1 else { return nil }
    var value: Integer = 0
    for byte in digits where byte != UInt8(ascii: ".") {
      guard append(byte - UInt8(ascii: "0"), to: &value) else { return nil }
    }
    for _ in 0..<exponent {
      guard append(0, to: &value) else { return nil }
    }
    return value
  }

  /// Downwards where the number is negative, for the lowest value has no positive counterpart.
  private func append<Integer: FixedWidthInteger>(_ digit: UInt8, to value: inout Integer) -> Bool {
    let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
    let digit = Integer(digit)
    let step = isNegative ? tenfold.subtractingReportingOverflow(digit) : tenfold.addingReportingOverflow(digit)
    value = step.partialValue
    return !overflow && !step.overflow
  }
}
