/// A day of the Gregorian calendar, from the year 0 on.
package struct CivilDate: Equatable {
  package let year: Int
  package let month: Int
  package let day: Int

  // Years are counted from March here, so that the leap day is a year's last: a month's first day is then
  // (153 × month + 2) / 5 days after March 1st, and 400 such years are always 146,097 days.
  private static let daysInEra = 146_097
  /// From 0000-03-01 to 1970-01-01.
  private static let epoch = 719_468

  /// `nil` where there is no such day.
  package init?(year: Int, month: Int, day: Int) {
    guard (1...12).contains(month), day >= 1, day <= Self.length(of: month, in: year) else { return nil }
    self.year = year
    self.month = month
    self.day = day
  }

  /// Takes days from 0000-03-01 on.
  package init(daysSince1970: Int) {
    let (era, day) = (daysSince1970 + Self.epoch).quotientAndRemainder(dividingBy: Self.daysInEra)
    // Takes out the leap days: every 4 years, not every 100, and the one that ends the era.
    let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
    let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let fromMarch = (5 * dayOfYear + 2) / 153
    self.day = dayOfYear - (153 * fromMarch + 2) / 5 + 1
    self.month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
    self.year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
  }

  package var daysSince1970: Int {
    let marchYear = month <= 2 ? year - 1 : year
    let fromMarch = month <= 2 ? month + 9 : month - 3
    let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
    return marchYear * 365 + leapDays + (153 * fromMarch + 2) / 5 + day - 1 - Self.epoch
  }

  package static func length(of month: Int, in year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// In a leap year.
  package static func longest(_ month: Int) -> Int { length(of: month, in: 2000) }
}
