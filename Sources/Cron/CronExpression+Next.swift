// From the clock on the wall to moments.

import JobModel

extension CronExpression {
  /// The first moment after `moment` at which a job is due, to the second; `nil` where there is none within 45 years.
  ///
  /// What happens when the clocks are changed is as in Vixie's cron:
  /// - An expression of certain times (neither its minute nor its hour begins with `*`) goes by the clock on the wall. A
  ///   time that does not exist, because the clocks are put forward over it, is due at the change; one that comes twice,
  ///   because they are put back, is due the first time only. So a daily job runs once on each of these days.
  /// - Any other ("every hour", "every 15 minutes") goes by the time that passes: nothing is due for times that are left
  ///   out, and times that come twice are due twice. So the jobs of every hour stay an hour apart.
  public func next(after moment: Timestamp, in zone: TimeZoneRules) -> Timestamp? {
    let (whole, rest) = moment.microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    let second = rest < 0 ? whole - 1 : whole
    let due = followsElapsedTime ? nextElapsed(after: second, zone) : nextOnTheWall(after: second, zone)
    return due.map { Timestamp(microseconds: $0 * 1_000_000) }
  }

  private func nextOnTheWall(after second: Int64, _ zone: TimeZoneRules) -> Int64? {
    var local = second + zone.period(at: second).offset
    while let match = firstMatch(from: local) {
      let due = zone.firstMoment(showing: match)
      if due > second { return due }
      // Shown for the second time, or the very minute that has begun.
      local = match + 60
    }
    return nil
  }

  private func nextElapsed(after second: Int64, _ zone: TimeZoneRules) -> Int64? {
    var from = second + 1
    let limit = second + Self.horizon
    while from <= limit {
      let period = zone.period(at: from)
      guard let match = firstMatch(from: from + period.offset) else { return nil }
      let due = match - period.offset
      if due < period.end { return due }
      from = period.end
    }
    return nil
  }

  /// February 29th falls on a certain weekday every 28 years, or 40 where a century's end has none.
  private static let horizon: Int64 = 45 * 366 * 86_400

  /// The first local minute that matches, from `local` on: seconds since 1970-01-01T00:00 on the wall.
  private func firstMatch(from local: Int64) -> Int64? {
    let minute = (local + 59).flooredQuotient(60)
    var day = Int(minute.flooredQuotient(1440))
    var inDay = Int(minute) - day * 1440
    let lastDay = day + Int(Self.horizon / 86_400)
    while day <= lastDay {
      let date = CivilDate(daysSince1970: day)
      if !months.contains(date.month) {
        day += CivilDate.length(of: date.month, in: date.year) - date.day + 1
        inDay = 0
        continue
      }
      // 1970-01-01 was a Thursday.
      if matches(date, weekday: ((day + 4) % 7 + 7) % 7), let time = firstTime(from: inDay) {
        return (Int64(day) * 1440 + Int64(time)) * 60
      }
      day += 1
      inDay = 0
    }
    return nil
  }

  /// The first time of a day that matches, in minutes.
  private func firstTime(from inDay: Int) -> Int? {
    var (hour, minute) = inDay.quotientAndRemainder(dividingBy: 60)
    while let next = hours.first(from: hour) {
      if next > hour { minute = 0 }
      if let found = minutes.first(from: minute) { return next * 60 + found }
      hour = next + 1
      minute = 0
    }
    return nil
  }
}

extension BinaryInteger {
  /// Rounded down, of negative numbers too.
  func flooredQuotient(_ divisor: Self) -> Self {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? quotient - 1 : quotient
  }
}
