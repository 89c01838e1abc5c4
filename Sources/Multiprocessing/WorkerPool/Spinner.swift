import EventLoop
import Glibc

/// Waits for a short while without sleeping, where that has paid lately.
///
/// To wake a process that sleeps on an idle core takes some 20 to 50 µs here, far longer than a small call. Who expects an
/// answer may look for it as long; but where it does not come meanwhile (a long call, a busy core) looking is for
/// nothing, so after each failure it is left out more often, up to 255 times of 256.
struct Spinner {
  let limitNanoseconds: UInt64
  private var rest: UInt8 = 0
  private var pause: UInt8 = 0

  init(limitNanoseconds: UInt64) { self.limitNanoseconds = limitNanoseconds }

  /// True: it has happened. False: it has not, or was not waited for.
  mutating func wait(until happened: () -> Bool) -> Bool {
    if limitNanoseconds == 0 { return false }
    if rest > 0 {
      rest -= 1
      return false
    }
    let end = MonotonicClock.now &+ limitNanoseconds
    repeat {
      if happened() {
        pause = 0
        return true
      }
      // Where both sides have one core between them, the other gets it so; where each has its own, this returns at once.
      sched_yield()
    } while MonotonicClock.now < end
    pause = pause > 127 ? 255 : pause * 2 + 1
    rest = pause
    return false
  }
}
