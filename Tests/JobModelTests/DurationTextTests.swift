import Testing

@testable import JobModel

@Suite("Duration text")
struct DurationTextTests {
  @Test(
    "reads a number and a unit",
    arguments: [
      ("500ms", .milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("1h", .seconds(3600)),
      ("7d", .seconds(604_800)), ("0s", .zero), ("007s", .seconds(7)), ("1.5h", .seconds(5400)),
      ("0.25s", .milliseconds(250)), ("0.5ms", .microseconds(500)), ("1.000000001s", .nanoseconds(1_000_000_001)),
      ("0.999999999d", .nanoseconds(86_399_999_913_600)), ("9223372036854775807ms", .milliseconds(Int64.max)),
      ("100000000000000d", .seconds(8_640_000_000_000_000_000)),
    ] as [(String, Duration)])
  func reads(text: String, duration: Duration) {
    #expect(DurationText.duration(text) == duration)
  }

  @Test(
    "refuses what is not exactly that",
    arguments: [
      "", "s", "5", "5 s", " 5s", "5s ", "-5s", "+5s", "5S", "5sec", "5ss", ".5s", "5.s", "5.5", "1e3s", "1.5.5s",
      "٣s", "5m30s", "1.0000000001s", "9223372036854775808ms", "9223372036854775807s", "200000000000000d", "5\u{0}s",
    ])
  func refuses(text: String) {
    #expect(DurationText.duration(text) == nil)
  }

  @Test(
    "writes the largest unit that divides it",
    arguments: [
      (.zero, "0s"), (.milliseconds(1500), "1500ms"), (.seconds(30), "30s"), (.seconds(90), "90s"),
      (.seconds(300), "5m"), (.seconds(7200), "2h"), (.seconds(604_800), "7d"), (.microseconds(1_999), "1ms"),
      (.seconds(-5), "0s"), (.seconds(Int64.max) + .milliseconds(5), "9223372036854775807s"),
    ] as [(Duration, String)])
  func writes(duration: Duration, text: String) {
    #expect(DurationText.text(duration) == text)
  }

  @Test("reads back what it wrote, for whole milliseconds")
  func roundTrip() {
    for milliseconds in [1, 999, 1000, 60_000, 61_000, 3_600_000, 86_400_000, 123_456_789] as [Int64] {
      let duration = Duration.milliseconds(milliseconds)
      #expect(DurationText.duration(DurationText.text(duration)) == duration)
    }
  }
}
