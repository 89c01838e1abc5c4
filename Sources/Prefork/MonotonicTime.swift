import Glibc

/// A moment on the kernel's CLOCK_MONOTONIC: the same clock in every process, and not moved by setting the time of day.
public struct MonotonicTime: Hashable, Comparable, Sendable {
  public let nanoseconds: UInt64

  public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  public static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  public static func < (a: MonotonicTime, b: MonotonicTime) -> Bool { a.nanoseconds < b.nanoseconds }

  /// Later by `duration`; the largest time where that cannot be said. A negative duration counts as zero.
  public static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    let parts = duration.components
    guard parts.seconds >= 0, parts.attoseconds >= 0 else { return time }
    let (seconds, tooLong) = UInt64(parts.seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (span, alsoTooLong) = seconds.addingReportingOverflow(UInt64(parts.attoseconds / 1_000_000_000))
    let (sum, past) = time.nanoseconds.addingReportingOverflow(span)
    return MonotonicTime(nanoseconds: tooLong || alsoTooLong || past ? .max : sum)
  }

  /// From `earlier` to this; negative if it is not earlier.
  public func since(_ earlier: MonotonicTime) -> Duration {
    .nanoseconds(Int64(clamping: nanoseconds)) - .nanoseconds(Int64(clamping: earlier.nanoseconds))
  }

  /// Milliseconds to wait from `now` on, for poll(2): rounded up, because waking a moment early would spin.
  func pollMilliseconds(from now: MonotonicTime) -> Int32 {
    guard self > now else { return 0 }
    let span = nanoseconds - now.nanoseconds
    return Int32(clamping: span / 1_000_000 + (span % 1_000_000 == 0 ? 0 : 1))
  }
}
