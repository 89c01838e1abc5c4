import JobModel
import Testing

@testable import Cron

@Suite struct CronExpressionTests {
  @Test(
    "lists, ranges, steps, names and nicknames are read",
    arguments: [
      "* * * * *", "0 3 * * *", "*/15 8-18 * * MON-FRI", "0,30 */2 1,15 jan-mar *", "5-55/10 * * * *", "0 0 * * 7",
      "0 0 * * fri-sun", "0 0 * * 5-7", "0 0 29 2 *", "0 0 30 2 1", " 0\t3  * * * ", "@hourly", "@Weekly", "@midnight",
      "0 0 31 1,4 *", "00 03 * * *",
    ])
  func accepted(text: String) throws { _ = try CronExpression(text) }

  @Test(
    "what is none is refused",
    arguments: [
      "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *",
      "* * * * 8", "a * * * *", "-1 * * * *", "1- * * * *", "-5 * * * *", "5-1 * * * *", "*/0 * * * *", "*/ * * * *",
      "*/60 * * * *", "5/10 * * * *", "1,,2 * * * *", ", * * * *", "**  * * * *", "* * * monday *", "* * * * january",
      "mon * * * *", "1.5 * * * *", "001 * * * *", "١ * * * *", "@reboot", "@", "@hourly *", "+1 * * * *",
      "0x1 * * * *",
      "* * * * L", "0 0 ? * *", "1-2-3 * * * *", "1/2/3 * * * *", "0\n0 * * * *",
    ])
  func refused(text: String) { #expect(throws: CronError.self) { try CronExpression(text) } }

  @Test("a day that never comes is refused", arguments: ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 */2"])
  func impossible(text: String) {
    #expect(throws: CronError("names a day that never comes")) { try CronExpression(text) }
  }

  @Test("a long text is refused before it is taken apart")
  func long() { #expect(throws: CronError.self) { try CronExpression(String(repeating: "1,", count: 200)) } }

  @Test("where both days are restricted either suffices, and where one begins with a star both must fit")
  func days() throws {
    // The 13th, and every Friday.
    #expect(
      try dues("0 0 13 * 5", after: "2026-02-01T00:00:00Z", 5) == [
        "2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z", "2026-02-27T00:00:00Z",
        "2026-03-06T00:00:00Z",
      ])
    // Fridays of odd days.
    #expect(
      try dues("0 0 */2 * 5", after: "2026-02-01T00:00:00Z", 3) == [
        "2026-02-13T00:00:00Z", "2026-02-27T00:00:00Z", "2026-03-13T00:00:00Z",
      ])
  }

  @Test("the next time is the first one after the moment, never the moment itself")
  func strictlyAfter() throws {
    #expect(try dues("0 3 * * *", after: "2026-05-01T03:00:00Z", 1) == ["2026-05-02T03:00:00Z"])
    #expect(try dues("0 3 * * *", after: "2026-05-01T02:59:59.999Z", 1) == ["2026-05-01T03:00:00Z"])
    #expect(try dues("* * * * *", after: "2026-05-01T03:00:00.001Z", 1) == ["2026-05-01T03:01:00Z"])
  }

  @Test("times far away are found, and ends of months and years passed")
  func farAway() throws {
    #expect(try dues("59 23 31 12 *", after: "2026-12-31T23:59:00Z", 1) == ["2027-12-31T23:59:00Z"])
    #expect(
      try dues("0 0 29 2 *", after: "2026-01-01T00:00:00Z", 2) == ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"])
    #expect(try dues("0 12 29 2 */7", after: "2088-03-01T00:00:00Z", 1) == ["2128-02-29T12:00:00Z"])
    #expect(
      try dues("30 6 31 * *", after: "2026-03-31T06:30:00Z", 2) == ["2026-05-31T06:30:00Z", "2026-07-31T06:30:00Z"])
  }

  @Test("sunday is 0 and 7, and a week ends with it")
  func sundays() throws {
    for text in ["0 0 * * 0", "0 0 * * 7", "0 0 * * SUN", "@weekly"] {
      #expect(try dues(text, after: "2026-11-22T00:00:00Z", 1) == ["2026-11-29T00:00:00Z"], "\(text)")
    }
    #expect(
      try dues("0 0 * * sat-sun", after: "2026-11-22T00:00:00Z", 2) == ["2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"])
  }
}

/// The first `count` times after a moment, without fractions.
func dues(
  _ text: String, in zone: TimeZoneRules = .utc, after moment: String, _ count: Int
) throws -> [String] {
  let expression = try CronExpression(text)
  var moment = try #require(RFC3339.timestamp(moment))
  return try (0..<count).map { _ in
    moment = try #require(expression.next(after: moment, in: zone))
    return RFC3339.text(moment).replacingOccurrences(".000Z", "Z")
  }
}

extension String {
  fileprivate func replacingOccurrences(_ ending: String, _ other: String) -> String {
    hasSuffix(ending) ? dropLast(ending.count) + other : self
  }
}
