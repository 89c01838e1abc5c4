// Timers of the event loop: a binary heap by due time. Cancelled timers stay in the heap, emptied, until they are due or
// outnumber the live ones.

import Glibc

/// Names a scheduled timer, to cancel it. Cancelling one that has run, or was cancelled, does nothing.
public struct TimerToken: Hashable, Sendable {
  let number: UInt64
}

/// The kernel's monotonic clock, in nanoseconds.
public enum MonotonicClock {
  public static var now: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}

extension Duration {
  /// Whole nanoseconds; 0 for a negative duration, and a thousand years at the most.
  public var nanosecondsClamped: UInt64 {
    let parts = components
    if parts.seconds < 0 || parts.attoseconds < 0 { return 0 }
    let seconds = UInt64(min(parts.seconds, 31_556_952_000 / 4))
    return seconds * 1_000_000_000 + UInt64(parts.attoseconds / 1_000_000_000)
  }
}

struct TimerHeap {
  private struct Entry {
    let due: UInt64
    let number: UInt64
  }

  private var entries: [Entry] = []
  private var bodies: [UInt64: @LoopActor () -> Void] = [:]
  private var nextNumber: UInt64 = 1

  var liveCount: Int { bodies.count }

  mutating func insert(at due: UInt64, _ body: @escaping @LoopActor () -> Void) -> TimerToken {
    let number = nextNumber
    nextNumber += 1
    bodies[number] = body
    entries.append(Entry(due: due, number: number))
    siftUp(entries.count - 1)
    return TimerToken(number: number)
  }

  mutating func cancel(_ token: TimerToken) {
    guard bodies.removeValue(forKey: token.number) != nil else { return }
    if entries.count > 64, entries.count > 2 * bodies.count {
      entries.removeAll { bodies[$0.number] == nil }
      for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(index) }
    }
  }

  /// When the earliest live timer is due.
  var earliest: UInt64? {
    mutating get {
      while let first = entries.first {
        if bodies[first.number] != nil { return first.due }
        removeFirst()
      }
      return nil
    }
  }

  mutating func popDue(_ now: UInt64) -> (@LoopActor () -> Void)? {
    while let first = entries.first, first.due <= now {
      removeFirst()
      if let body = bodies.removeValue(forKey: first.number) { return body }
    }
    return nil
  }

  private mutating func removeFirst() {
    entries.swapAt(0, entries.count - 1)
    entries.removeLast()
    siftDown(0)
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    (entries[a].due, entries[a].number) < (entries[b].due, entries[b].number)
  }

  private mutating func siftUp(_ start: Int) {
    var index = start
    while index > 0 {
      let parent = (index - 1) / 2
      guard precedes(index, parent) else { return }
      entries.swapAt(index, parent)
      index = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var index = start
    while true {
      let left = 2 * index + 1
      guard left < entries.count else { return }
      let right = left + 1
      let child = right < entries.count && precedes(right, left) ? right : left
      guard precedes(child, index) else { return }
      entries.swapAt(index, child)
      index = child
    }
  }
}
