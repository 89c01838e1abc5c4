import JobModel
import Testing

@testable import Cron

@Suite("Days on which the clocks are changed")
struct ClockChangeTests {
  @Test("a time that is left out is due at the change, once")
  func leftOut() throws {
    // Paris, March 29th 2026: 02:00 becomes 03:00 at 01:00 UTC.
    let paris = try TimeZoneRules.named("Europe/Paris")
    #expect(
      try dues("30 2 * * *", in: paris, after: "2026-03-27T12:00:00Z", 3) == [
        "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z",
      ])
    // Several that are left out, and the one that follows, are due together.
    #expect(
      try dues("0,20,40 2,3 * * *", in: paris, after: "2026-03-29T00:00:00Z", 4) == [
        "2026-03-29T01:00:00Z", "2026-03-29T01:20:00Z", "2026-03-29T01:40:00Z", "2026-03-30T00:00:00Z",
      ])
  }

  @Test("a time that comes twice is due the first time")
  func twice() throws {
    // Paris, October 25th 2026: 03:00 becomes 02:00 at 01:00 UTC.
    let paris = try TimeZoneRules.named("Europe/Paris")
    #expect(
      try dues("30 2 * * *", in: paris, after: "2026-10-24T12:00:00Z", 2) == [
        "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z",
      ])
    // Asked in the second of the two hours.
    #expect(try dues("30 2 * * *", in: paris, after: "2026-10-25T01:10:00Z", 1) == ["2026-10-26T01:30:00Z"])
    #expect(
      try dues("0 2,3 * * *", in: paris, after: "2026-10-24T23:00:00Z", 3) == [
        "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-26T01:00:00Z",
      ])
  }

  @Test("what comes every hour or every few minutes goes by the time that passes", arguments: [(3, 29), (10, 25)])
  func elapsed(month: Int, day: Int) throws {
    let paris = try TimeZoneRules.named("Europe/Paris")
    let start = try #require(RFC3339.timestamp("2026-\(month < 10 ? "0" : "")\(month)-\(day)T00:00:00Z"))
    for (text, minutes) in [("0 * * * *", 60), ("*/15 * * * *", 15), ("@hourly", 60)] {
      let expression = try CronExpression(text)
      var moment = start
      for count in 1...12 {
        moment = try #require(expression.next(after: moment, in: paris))
        #expect(moment == start.advanced(by: .seconds(count * minutes * 60)), "\(text)")
      }
    }
  }

  @Test("a change of half an hour, on the other side of the world")
  func lordHowe() throws {
    // Lord Howe Island, October 4th 2026: 02:00 becomes 02:30 (from +10:30 to +11) at 15:30 UTC of the day before.
    let zone = try TimeZoneRules.named("Australia/Lord_Howe")
    #expect(
      try dues("15 2 * * *", in: zone, after: "2026-10-02T20:00:00Z", 2) == [
        "2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z",
      ])
    // And back on April 5th: 02:00 becomes 01:30 at 15:00 UTC of the day before.
    #expect(
      try dues("45 1 * * *", in: zone, after: "2026-04-04T00:00:00Z", 2) == [
        "2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z",
      ])
  }

  @Test("a day that a country left out, and a zone whose clocks go back in spring")
  func oddities() throws {
    // Samoa had no December 30th 2011: the clocks went from the 29th's end to the 31st's beginning at 10:00 UTC.
    let apia = try TimeZoneRules.named("Pacific/Apia")
    #expect(
      try dues("0 12 * * *", in: apia, after: "2011-12-29T00:00:00Z", 3) == [
        "2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z",
      ])
    // Dublin's tz rules say that winter time is the changed one.
    let dublin = try TimeZoneRules.named("Europe/Dublin")
    #expect(
      try dues("30 1 * * *", in: dublin, after: "2026-03-28T12:00:00Z", 2) == [
        "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z",
      ])
  }

  @Test("beyond the last change that the file lists, its rule of the year holds")
  func footer() throws {
    let newYork = try TimeZoneRules.named("America/New_York")
    // 2050: March 13th and November 6th.
    #expect(
      try dues("30 2 * * *", in: newYork, after: "2050-03-12T12:00:00Z", 2) == [
        "2050-03-13T07:00:00Z", "2050-03-14T06:30:00Z",
      ])
    #expect(
      try dues("30 1 * * *", in: newYork, after: "2050-11-05T12:00:00Z", 2) == [
        "2050-11-06T05:30:00Z", "2050-11-07T06:30:00Z",
      ])
  }
}
