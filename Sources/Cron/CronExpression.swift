// When recurring jobs are due: cron expressions, time zones, and the moments that follow from both. Pure but for
// `TimeZoneRules.named(_:)`, which reads the system's tz database. It knows no jobs.

import JobModel

/// A cron expression: which minutes of local time it names.
///
/// Five fields (minute, hour, day of the month, month, day of the week) as crontab(5) of Vixie's cron has them: lists,
/// ranges, steps, names of months and weekdays, and `@hourly`, `@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`,
/// `@annually`. Where both days are restricted, that is neither begins with `*`, either of them suffices; otherwise both
/// must fit.
public struct CronExpression: Sendable, Equatable {
  let minutes: CronField
  let hours: CronField
  let days: CronField
  let months: CronField
  let weekdays: CronField

  static let limitBytes = 256

  private static let nicknames = [
    "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
  ]

  /// - Throws: where it is no expression, or one of a day that never comes, such as February 30th.
  public init(_ text: String) throws(CronError) {
    guard text.utf8.count <= Self.limitBytes else { throw CronError("must be at most \(Self.limitBytes) bytes") }
    var fields = Self.words(text)
    if fields.count == 1, fields[0].hasPrefix("@") {
      guard let meaning = Self.nicknames[fields[0].lowercased()] else {
        throw CronError("names no time: one of \(Self.nicknames.keys.sorted().joined(separator: ", ")), or five fields")
      }
      fields = Self.words(meaning)
    }
    guard fields.count == 5 else {
      throw CronError("must have five fields (minute, hour, day of the month, month, day of the week)")
    }
    minutes = try CronField(fields[0], .minute)
    hours = try CronField(fields[1], .hour)
    days = try CronField(fields[2], .day)
    months = try CronField(fields[3], .month)
    weekdays = try CronField(fields[4], .weekday)
    guard hasDays else { throw CronError("names a day that never comes") }
  }

  private static func words(_ text: String) -> [Substring] { text.split { $0 == " " || $0 == "\t" } }

  /// Whether it says "every …" of minutes or hours: such a schedule goes by the time that passes, and not by the clock on
  /// the wall (see ``next(after:in:)``).
  var followsElapsedTime: Bool { minutes.beginsWithStar || hours.beginsWithStar }

  /// Either day suffices.
  private var takesEitherDay: Bool { !days.beginsWithStar && !weekdays.beginsWithStar }

  func matches(_ date: CivilDate, weekday: Int) -> Bool {
    let (day, ofWeek) = (days.contains(date.day), weekdays.contains(weekday))
    return takesEitherDay ? day || ofWeek : day && ofWeek
  }

  /// A weekday comes in every month, and in time each date falls on each of them; so only lengths of months count.
  private var hasDays: Bool {
    takesEitherDay
      || (1...12).contains { month in
        months.contains(month) && (1...CivilDate.longest(month)).contains { days.contains($0) }
      }
  }
}

/// Why a text is no schedule, to complete a sentence: "must have five fields".
public struct CronError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}
