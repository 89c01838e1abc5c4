/// The offsets of a time zone from UTC, through all time. Seconds everywhere; offsets are positive east of Greenwich.
public struct TimeZoneRules: Sendable, Equatable {
  /// A change of the offset.
  struct Transition: Sendable, Equatable {
    var at: Int64
    /// From then on.
    var offset: Int64
  }

  /// A span with one offset.
  struct Period: Equatable {
    var offset: Int64
    /// When the next begins; `.max`: never.
    var end: Int64
  }

  /// Before the first transition.
  let firstOffset: Int64
  /// Ascending.
  let transitions: [Transition]
  /// What holds from the last transition on; `nil`: that transition's offset.
  let rule: PosixZone?

  public static let utc = TimeZoneRules(firstOffset: 0, transitions: [], rule: nil)

  func period(at second: Int64) -> Period {
    // The first transition after `second`.
    var (low, high) = (0, transitions.count)
    while low < high {
      let middle = (low + high) / 2
      if transitions[middle].at <= second { low = middle + 1 } else { high = middle }
    }
    if low == transitions.count, let rule { return rule.period(at: second) }
    return Period(
      offset: low == 0 ? firstOffset : transitions[low - 1].offset,
      end: low < transitions.count ? transitions[low].at : .max)
  }

  /// The first moment at which a clock on the wall shows `local`, or more: the change, where that time is left out.
  func firstMoment(showing local: Int64) -> Int64 {
    // No offset is as large (RFC 8536, section 3.2: below 26 hours), so the clock shows less then.
    var start = local - 26 * 3600
    while true {
      let period = period(at: start)
      let moment = max(start, local - period.offset)
      if moment < period.end { return moment }
      start = period.end
    }
  }
}
