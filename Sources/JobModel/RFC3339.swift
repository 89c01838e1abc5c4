// Moments as text, both ways, without Foundation: replies carry several of them, and its formatters cost more than the
// rest of a reply.

/// RFC 3339 date-times between 1970-01-01T00:00:00Z and the end of the year 9999.
public enum RFC3339 {
  /// What a text that is no date-time should have been, to complete a sentence: "must be …".
  public static let expectation = "an RFC 3339 date and time with an offset, such as 2026-01-01T00:00:00Z"

  /// The length of what ``append(_:to:)`` writes.
  public static let byteCount = 24

  /// The last microsecond of the year 9999.
  static let latest = Timestamp(microseconds: 253_402_300_800_000_000 - 1)

  /// Appends `2026-01-01T00:00:00.123Z`: UTC, milliseconds, always 24 bytes. A moment outside of 1970…9999 is written as
  /// the nearest one inside, so that a time that saturated stays readable text.
  public static func append(_ moment: Timestamp, to bytes: inout [UInt8]) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCount) { buffer in
      write(moment, into: buffer)
      bytes.append(contentsOf: buffer)
    }
  }

  /// The same as a string.
  public static func text(_ moment: Timestamp) -> String {
    String(unsafeUninitializedCapacity: byteCount) { buffer in
      write(moment, into: buffer)
      return byteCount
    }
  }

  private static func write(_ moment: Timestamp, into buffer: UnsafeMutableBufferPointer<UInt8>) {
    let milliseconds = min(max(moment.microseconds, 0), latest.microseconds) / 1000
    let (days, inDay) = milliseconds.quotientAndRemainder(dividingBy: 86_400_000)
    let date = CivilDate(daysSince1970: Int(days))
    var position = 0
    func digits(_ value: Int, _ count: Int, then separator: Unicode.Scalar) {
      var rest = value
      for place in (position..<position + count).reversed() {
        buffer[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
      }
      buffer[position + count] = UInt8(ascii: separator)
      position += count + 1
    }
    let second = Int(inDay / 1000)
    digits(date.year, 4, then: "-")
    digits(date.month, 2, then: "-")
    digits(date.day, 2, then: "T")
    digits(second / 3600, 2, then: ":")
    digits(second / 60 % 60, 2, then: ":")
    digits(second % 60, 2, then: ".")
    digits(Int(inDay % 1000), 3, then: "Z")
  }

  /// Reads `2026-01-01T01:00:00.5+01:00` and its like. Strict as RFC 3339, section 5.6: `T` and `Z` (of either case)
  /// and the offset must be there, the day must exist, no spaces. Digits below the microsecond are dropped. A leap second
  /// (`23:59:60` in UTC) is read as the second that follows it, as POSIX time counts it. `nil` for anything else, and for
  /// moments outside of the years 1…9999.
  public static func timestamp(_ text: some StringProtocol) -> Timestamp? {
    var reader = Reader(bytes: Array(text.utf8.prefix(65)))
    // Twenty bytes are the shortest; a fraction of forty digits helps nobody.
    guard (20...64).contains(reader.bytes.count) else { return nil }
    guard let year = reader.number(4), year > 0, reader.skip("-"), let month = reader.number(2), reader.skip("-"),
      let day = reader.number(2), reader.skip("T") || reader.skip("t"),
      let hour = reader.number(2), hour < 24, reader.skip(":"), let minute = reader.number(2), minute < 60,
      reader.skip(":"), let second = reader.number(2), second <= 60,
      let date = CivilDate(year: year, month: month, day: day),
      let fraction = reader.fractionInMicroseconds(), let offset = reader.offsetInMinutes(), reader.isAtEnd
    else { return nil }
    let minutes = (date.daysSince1970 * 24 + hour) * 60 + minute - offset
    if second == 60 {
      // Leap seconds end a month in UTC, whatever the offset that it was written in (RFC 3339, section 5.7).
      guard (minutes + 1) % (24 * 60) == 0, CivilDate(daysSince1970: (minutes + 1) / (24 * 60)).day == 1 else {
        return nil
      }
    }
    let moment = Timestamp(microseconds: Int64(minutes * 60 + second) * 1_000_000 + Int64(fraction))
    return moment <= latest ? moment : nil
  }

  private struct Reader {
    let bytes: [UInt8]
    var position = 0

    var isAtEnd: Bool { position == bytes.count }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
      guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    mutating func digit() -> Int? {
      guard position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) else {
        return nil
      }
      defer { position += 1 }
      return Int(bytes[position] - UInt8(ascii: "0"))
    }

    mutating func number(_ count: Int) -> Int? {
      var value = 0
      for _ in 0..<count {
        guard let digit = digit() else { return nil }
        value = value * 10 + digit
      }
      return value
    }

    /// 0 where there is no fraction; `nil` for a point without digits.
    mutating func fractionInMicroseconds() -> Int? {
      guard skip(".") else { return 0 }
      guard let first = digit() else { return nil }
      var value = first * 100_000
      var place = 10_000
      while let digit = digit() {
        value += digit * place
        place /= 10
      }
      return value
    }

    mutating func offsetInMinutes() -> Int? {
      if skip("Z") || skip("z") { return 0 }
      let sign = skip("+") ? 1 : -1
      guard sign == 1 || skip("-"), let hours = number(2), hours < 24, skip(":"), let minutes = number(2), minutes < 60
      else { return nil }
      return sign * (hours * 60 + minutes)
    }
  }
}
