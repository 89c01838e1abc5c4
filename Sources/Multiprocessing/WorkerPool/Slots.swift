/// Values by number, where the lower half of a number is its index in an array: a look costs an index and a comparison.
///
/// A freed index is used again under another number, so that an old number never finds a new value.
struct Slots<Value> {
  private struct Entry {
    var number: UInt64
    var value: Value?
  }

  private var entries: [Entry] = []
  private var free: [Int] = []
  private(set) var count = 0

  private static func index(_ number: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: number)) }

  subscript(number: UInt64) -> Value? {
    _read {
      let index = Self.index(number)
      if index < entries.count, entries[index].number == number { yield entries[index].value } else { yield nil }
    }
    _modify {
      let index = Self.index(number)
      if index >= entries.count {
        entries.reserveCapacity(index + 1)
        while entries.count <= index { entries.append(Entry(number: 0, value: nil)) }
      }
      if entries[index].number != number, entries[index].value != nil {
        // Another's place: this one is not there, and stays so.
        var none: Value?
        yield &none
        precondition(none == nil, "two values want the same place")
        return
      }
      let wasThere = entries[index].value != nil
      entries[index].number = number
      yield &entries[index].value
      count += (entries[index].value != nil ? 1 : 0) - (wasThere ? 1 : 0)
    }
  }

  /// Puts a value in, and gives the number it can be found by.
  mutating func insert(_ value: Value) -> UInt64 {
    count += 1
    if let index = free.popLast() {
      entries[index].number &+= 1 << 32
      entries[index].value = value
      return entries[index].number
    }
    entries.append(Entry(number: 1 << 32 | UInt64(entries.count), value: value))
    return entries[entries.count - 1].number
  }

  /// Takes a value out, and lets its place be used again.
  mutating func remove(_ number: UInt64) -> Value? {
    let index = Self.index(number)
    guard index < entries.count, entries[index].number == number, let value = entries[index].value else { return nil }
    entries[index].value = nil
    free.append(index)
    count -= 1
    return value
  }

  var numbers: [UInt64] { entries.compactMap { $0.value == nil ? nil : $0.number } }
}
