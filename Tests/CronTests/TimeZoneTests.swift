import Foundation
import Testing

@testable import Cron

@Suite struct TimeZoneTests {
  @Test(
    "offsets agree with another reader's, every seven hours of a century",
    arguments: [
      "Europe/Paris", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "Europe/Dublin", "America/Sao_Paulo",
      "Australia/Lord_Howe", "Pacific/Auckland", "Asia/Kathmandu", "America/Santiago", "Atlantic/Azores", "Asia/Tokyo",
    ])
  func agree(name: String) throws {
    let rules = try TimeZoneRules.named(name)
    let other = try #require(TimeZone(identifier: name))
    var second: Int64 = 0
    while second < 3_155_760_000 {
      let offset = other.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
      guard rules.period(at: second).offset == Int64(offset) else {
        Issue.record("\(name) at \(second): \(rules.period(at: second).offset), and not \(offset)")
        return
      }
      second += 7 * 3600
    }
  }

  @Test(
    "rules of the year of every form",
    arguments: [
      // Winter, summer, a moment of each, and the change after the latter.
      ("CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200, 1_792_890_000),
      ("EST5EDT,M3.2.0,M11.1.0", -18_000, -14_400, 1_793_512_800),
      ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600, 1_792_890_000),
      ("AAA0BBB,J60/0,J300/0", 0, 3600, 1_793_055_600), ("AAA0BBB-0:30:15,59/0,299/0", 0, 1815, 1_793_057_385),
    ])
  func yearRules(text: String, winter: Int64, summer: Int64, change: Int64) throws {
    let zone = try #require(PosixZone(text))
    // 2026-01-15 and 2026-07-15.
    #expect(zone.period(at: 1_768_435_200).offset == winter)
    #expect(zone.period(at: 1_784_073_600) == TimeZoneRules.Period(offset: summer, end: change))
    #expect(zone.period(at: change - 1).offset == summer && zone.period(at: change).offset == winter)
  }

  @Test("a zone whose summer never ends has its offset all year")
  func endlessSummer() throws {
    let zone = try #require(PosixZone("XXX3EDT4,0/0,J365/23"))
    for second in stride(from: Int64(1_760_000_000), to: 1_830_000_000, by: 1800) {
      #expect(zone.period(at: second).offset == -4 * 3600)
    }
  }

  @Test(
    "a zone without summer has one offset for ever",
    arguments: [("UTC0", 0), ("<+0545>-5:45", 20_700), ("HST10", -36_000)])
  func plain(text: String, offset: Int64) throws {
    #expect(try #require(PosixZone(text)).period(at: 0) == TimeZoneRules.Period(offset: offset, end: .max))
  }

  @Test(
    "texts that are no rules are refused",
    arguments: [
      "", "CET", "C-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0", "CET-1CEST,M3.6.0,M10.5.0",
      "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J9", "CET-1CEST,366,9", "CET-25", "CET-1:60", "<CET-1", "<>1",
      "CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0,", "CET-1 ",
    ])
  func noRules(text: String) { #expect(PosixZone(text) == nil) }

  @Test(
    "names lead to zones only",
    arguments: [
      "", "Nowhere/At_All", "../../../etc/passwd", "/etc/localtime", "Europe/../UTC", "Europe", "europe/paris\0",
      "tzdata.zi",
      "Europe//Paris", "zone.tab", ".", "leapseconds", "right/Europe/Paris", "Europe/Paris/", "Ünited",
      String(repeating: "a", count: 65),
    ])
  func badNames(name: String) { #expect(throws: CronError.self) { try TimeZoneRules.named(name) } }

  @Test("a file that is cut short or damaged anywhere is refused or read, and never more than that")
  func damaged() throws {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Paris")))
    #expect(TZifFile.rules(bytes) != nil)
    // All but the footer's newline is needed.
    for count in 0..<bytes.count { #expect(TZifFile.rules(Array(bytes[..<count])) == nil) }
    var random = SystemRandomNumberGenerator()
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] = UInt8.random(in: 0...255, using: &random)
      guard let rules = TZifFile.rules(damaged) else { continue }
      _ = try CronExpression("30 2 * * *").next(after: .init(microseconds: 1_792_000_000_000_000), in: rules)
    }
  }
}
