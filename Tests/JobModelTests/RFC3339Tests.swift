import Glibc
import Testing

@testable import JobModel

@Suite("RFC 3339")
struct RFC3339Tests {
  @Test(
    "writes UTC with milliseconds",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (1_767_225_600_123_999, "2026-01-01T00:00:00.123Z"),
      (951_782_400_000_000, "2000-02-29T00:00:00.000Z"), (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z"),
      (.max, "9999-12-31T23:59:59.999Z"), (-1, "1970-01-01T00:00:00.000Z"), (.min, "1970-01-01T00:00:00.000Z"),
    ] as [(Int64, String)])
  func writes(microseconds: Int64, text: String) {
    let moment = Timestamp(microseconds: microseconds)
    #expect(RFC3339.text(moment) == text)
    var bytes: [UInt8] = [1]
    RFC3339.append(moment, to: &bytes)
    #expect(bytes == [1] + Array(text.utf8))
  }

  @Test(
    "reads offsets, fractions and either case",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01t00:00:00z", 0), ("1970-01-01T01:00:00+01:00", 0),
      ("1969-12-31T23:00:00-01:00", 0), ("1970-01-01T00:00:00-00:00", 0), ("1970-01-01T00:00:00.5Z", 500_000),
      ("1970-01-01T00:00:00.1234567899Z", 123_456), ("1970-01-01T05:30:01+05:30", 1_000_000),
      ("1969-12-31T23:59:59Z", -1_000_000), ("1970-01-01T00:00:00+00:01", -60_000_000),
      ("0001-01-01T00:00:00Z", -62_135_596_800_000_000), ("0081-04-22T19:05:52-00:14", -59_601_328_808_000_000),
      ("2000-02-29T00:00:00Z", 951_782_400_000_000), ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ] as [(String, Int64)])
  func reads(text: String, microseconds: Int64) {
    #expect(RFC3339.timestamp(text)?.microseconds == microseconds)
  }

  @Test("reads a leap second as the second that follows it, in any offset")
  func leapSecond() throws {
    let next = try #require(RFC3339.timestamp("2017-01-01T00:00:00Z"))
    #expect(RFC3339.timestamp("2016-12-31T23:59:60Z") == next)
    #expect(RFC3339.timestamp("2016-12-31T15:59:60-08:00") == next)
    #expect(RFC3339.timestamp("2017-01-01T05:29:60.5+05:30") == next.advanced(by: .milliseconds(500)))
    #expect(RFC3339.timestamp("2016-12-31T23:58:60Z") == nil)
    #expect(RFC3339.timestamp("2016-12-30T23:59:60Z") == nil)
    #expect(RFC3339.timestamp("2016-12-31T23:59:60-08:00") == nil)
    #expect(RFC3339.timestamp("9999-12-31T23:59:60Z") == nil)
  }

  @Test(
    "refuses what is not strictly a date-time of the years 1 to 9999",
    arguments: [
      "", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00 Z", "2026-1-01T00:00:00Z",
      "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z",
      "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-01T24:00:00Z",
      "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00,5Z",
      "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+01", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60",
      "2026-01-01T00:00:00Zz", "+2026-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "9999-12-31T23:59:59-00:01",
      "0000-01-01T00:00:00Z", "２026-01-01T00:00:00Z",
      "2026-01-01T00:00:00.\(String(repeating: "1", count: 60))Z",
    ])
  func refuses(text: String) {
    #expect(RFC3339.timestamp(text) == nil)
  }

  @Test("agrees with the C library on every day up to 9999")
  func agreesWithTheCLibrary() {
    var seconds: Int64 = 3661
    while seconds < 253_402_300_800 {
      var time = time_t(seconds)
      var fields = tm()
      gmtime_r(&time, &fields)
      let date = CivilDate(daysSince1970: Int(seconds / 86_400))
      let (year, month) = (Int(fields.tm_year) + 1900, Int(fields.tm_mon) + 1)
      let expected = CivilDate(year: year, month: month, day: Int(fields.tm_mday))
      guard date == expected, date.daysSince1970 == Int(seconds / 86_400) else {
        Issue.record("day \(seconds / 86_400) is \(date)")
        return
      }
      seconds += 86_400
    }
  }
}
