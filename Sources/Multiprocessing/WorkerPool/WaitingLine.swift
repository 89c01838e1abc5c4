/// Calls that wait for a worker, first come first served.
struct WaitingLine {
  private var calls: [UInt64] = []
  /// Those before it have left the line.
  private var head = 0

  var count: Int { calls.count - head }
  var isEmpty: Bool { head == calls.count }
  var first: UInt64? { isEmpty ? nil : calls[head] }
  var all: ArraySlice<UInt64> { calls[head...] }

  mutating func append(_ call: UInt64) { calls.append(call) }

  mutating func removeFirst() -> UInt64 {
    let call = calls[head]
    head += 1
    if head == calls.count {
      removeAll()
    } else if head >= 1024, head * 2 >= calls.count {
      calls.removeFirst(head)
      head = 0
    }
    return call
  }

  /// Puts calls that had left the line before all others.
  mutating func putBack(_ returned: [UInt64]) {
    if returned.count <= head {
      head -= returned.count
      calls.replaceSubrange(head..<head + returned.count, with: returned)
    } else {
      calls.replaceSubrange(..<head, with: returned)
      head = 0
    }
  }

  mutating func remove(_ call: UInt64) {
    if let index = calls[head...].firstIndex(of: call) { calls.remove(at: index) }
  }

  mutating func removeAll() {
    calls.removeAll(keepingCapacity: true)
    head = 0
  }
}
