import JobModel

/// A time zone by rules of the year, such as `CET-1CEST,M3.5.0,M10.5.0/3`: the footer of a TZif file, in the form of the
/// environment variable TZ (POSIX.1-2017, section 8.3, with the times of RFC 8536, section 3.3.1).
struct PosixZone: Sendable, Equatable {
  enum Day: Equatable {
    /// `J60`: from 1 to 365, February 29th not counted.
    case withoutLeapDay(Int)
    /// `59`: from 0 to 365.
    case ofYear(Int)
    /// `M3.5.0`: the fifth (that is, the last) Sunday of March.
    case weekday(Int, week: Int, month: Int)
  }
  struct Change: Equatable {
    var day: Day
    /// Seconds after midnight, by the clock as it was before the change; may be negative or beyond the day.
    var time: Int64
  }
  struct Summer: Equatable {
    var offset: Int64
    var begins: Change
    var ends: Change
  }

  let offset: Int64
  let summer: Summer?

  /// `nil` for a text that is none.
  init?(_ text: some StringProtocol) {
    var reader = PosixZoneReader(text)
    guard reader.skipName(), let west = reader.time(hoursLimit: 24) else { return nil }
    offset = -west
    if reader.isAtEnd {
      summer = nil
      return
    }
    guard reader.skipName() else { return nil }
    var summerOffset = offset + 3600
    if !reader.isAt(",") {
      guard let west = reader.time(hoursLimit: 24) else { return nil }
      summerOffset = -west
    }
    guard reader.skip(","), let begins = reader.change(), reader.skip(","), let ends = reader.change(), reader.isAtEnd
    else { return nil }
    summer = Summer(offset: summerOffset, begins: begins, ends: ends)
  }

  func period(at second: Int64) -> TimeZoneRules.Period {
    guard let summer else { return TimeZoneRules.Period(offset: offset, end: .max) }
    let year = CivilDate(daysSince1970: Int((second + offset).flooredQuotient(86_400))).year
    var changes: [TimeZoneRules.Transition] = []
    for year in year - 1...year + 1 {
      changes.append(.init(at: moment(of: summer.begins, in: year) - offset, offset: summer.offset))
      changes.append(.init(at: moment(of: summer.ends, in: year) - summer.offset, offset: offset))
    }
    // Summer may last the whole year: it then ends at the very moment that it begins again, which comes later in this list.
    let sorted = changes.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    let next = sorted.firstIndex { $0.at > second } ?? sorted.count
    // Two changes a year, and three years around: there is one before and one after.
    precondition((1..<sorted.count).contains(next), "a zone's changes of three years do not enclose the second one")
    return TimeZoneRules.Period(offset: sorted[next - 1].offset, end: sorted[next].at)
  }

  /// On the wall.
  private func moment(of change: Change, in year: Int) -> Int64 {
    Int64(Self.day(change.day, in: year)) * 86_400 + change.time
  }

  /// Days since 1970.
  private static func day(_ day: Day, in year: Int) -> Int {
    let first = firstDay(of: 1, in: year)
    switch day {
    case .withoutLeapDay(let number):
      let isBehindLeapDay = CivilDate.length(of: 2, in: year) == 29 && number >= 60
      return first + number - 1 + (isBehindLeapDay ? 1 : 0)
    case .ofYear(let number):
      return first + number
    case .weekday(let weekday, let week, let month):
      let first = firstDay(of: month, in: year)
      let firstSuch = first + ((weekday - (first + 4)) % 7 + 7) % 7
      let day = firstSuch + 7 * (week - 1)
      return day < first + CivilDate.length(of: month, in: year) ? day : day - 7
    }
  }

  private static func firstDay(of month: Int, in year: Int) -> Int {
    guard let date = CivilDate(year: year, month: month, day: 1) else { preconditionFailure("months are 1…12") }
    return date.daysSince1970
  }
}

/// Reads the parts of such a text.
private struct PosixZoneReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

  var isAtEnd: Bool { position == bytes.count }

  func isAt(_ character: Unicode.Scalar) -> Bool { !isAtEnd && bytes[position] == UInt8(ascii: character) }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard isAt(character) else { return false }
    position += 1
    return true
  }

  /// `CET`, or `<+0330>`.
  mutating func skipName() -> Bool {
    let start = position
    if skip("<") {
      while !isAtEnd, !isAt(">") { position += 1 }
      return position > start + 1 && skip(">")
    }
    while !isAtEnd, (bytes[position] | 0x20) >= UInt8(ascii: "a"), (bytes[position] | 0x20) <= UInt8(ascii: "z") {
      position += 1
    }
    return position >= start + 3
  }

  /// `[+-]h[h[h]][:mm[:ss]]`, in seconds.
  mutating func time(hoursLimit: Int) -> Int64? {
    let sign: Int64 = skip("-") ? -1 : 1
    if sign == 1 { _ = skip("+") }
    guard let hours = number(0...hoursLimit) else { return nil }
    var seconds = Int64(hours) * 3600
    for unit: Int64 in [60, 1] where skip(":") {
      guard let value = number(0...59) else { return nil }
      seconds += Int64(value) * unit
    }
    return sign * seconds
  }

  /// A day and perhaps `/time`; 02:00 without.
  mutating func change() -> PosixZone.Change? {
    let day: PosixZone.Day
    if skip("M") {
      guard let month = number(1...12), skip("."), let week = number(1...5), skip("."), let weekday = number(0...6)
      else {
        return nil
      }
      day = .weekday(weekday, week: week, month: month)
    } else if skip("J") {
      guard let number = number(1...365) else { return nil }
      day = .withoutLeapDay(number)
    } else {
      guard let number = number(0...365) else { return nil }
      day = .ofYear(number)
    }
    if !skip("/") { return PosixZone.Change(day: day, time: 7200) }
    // A week either way (RFC 8536, section 3.3.1).
    return time(hoursLimit: 167).map { PosixZone.Change(day: day, time: $0) }
  }

  private mutating func number(_ range: ClosedRange<Int>) -> Int? {
    let start = position
    var value = 0
    while !isAtEnd, position < start + 3, (0x30...0x39).contains(bytes[position]) {
      value = value * 10 + Int(bytes[position] - 0x30)
      position += 1
    }
    return position > start && range.contains(value) ? value : nil
  }
}
