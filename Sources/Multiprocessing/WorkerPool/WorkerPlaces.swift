/// The workers of a pool by number, each in a place of its own from the request to fork it until it is reaped.
///
/// A pool has few workers and looks at them often: a scan of their numbers is quicker than a dictionary.
struct WorkerPlaces {
  /// 0 where the place is free.
  private var numbers: [UInt64] = []
  private var states: [WorkerState?] = []
  private(set) var count = 0

  func place(of number: UInt64) -> Int? { numbers.firstIndex(of: number) }

  subscript(number: UInt64) -> WorkerState? {
    _read {
      if let place = place(of: number) { yield states[place] } else { yield nil }
    }
    _modify {
      guard let place = place(of: number) else {
        var none: WorkerState?
        yield &none
        precondition(none == nil, "a worker without a place was changed")
        return
      }
      yield &states[place]
    }
  }

  mutating func insert(_ number: UInt64, _ state: WorkerState) {
    count += 1
    if let place = numbers.firstIndex(of: 0) {
      numbers[place] = number
      states[place] = state
    } else {
      numbers.append(number)
      states.append(state)
    }
  }

  mutating func remove(_ number: UInt64) -> WorkerState? {
    guard let place = place(of: number) else { return nil }
    defer {
      numbers[place] = 0
      states[place] = nil
      count -= 1
    }
    return states[place]
  }

  mutating func removeAll() { self = WorkerPlaces() }

  /// In rising order, which is that of their birth.
  var sortedNumbers: [UInt64] { numbers.filter { $0 != 0 }.sorted() }

  /// In no order.
  var runningNumbers: some Sequence<UInt64> { numbers.lazy.filter { $0 != 0 } }

  /// In no order.
  var values: some Sequence<WorkerState> { states.lazy.compactMap { $0 } }
}
