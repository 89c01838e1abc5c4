// Typed views over memory that the master, all acceptors and all generations share.

import Synchronization

/// A run of 64-bit atomics in shared memory.
///
/// Atomics need no lock that a killed process could keep, so any process may die at any instruction and the words stay
/// usable by the others.
struct SharedWords: @unchecked Sendable {
  // @unchecked: the memory is never unmapped, and every access is atomic.
  private let base: UnsafeMutablePointer<Atomic<UInt64>>
  let count: Int

  /// - Parameter memory: zeroed, shared, 8-byte aligned, at least `count` words long.
  init(_ memory: UnsafeMutableRawPointer, count: Int) {
    // A zeroed word is a valid Atomic<UInt64>: it has the size, alignment and layout of a UInt64.
    base = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    self.count = count
  }

  func load(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < count)
    return base[index].load(ordering: .sequentiallyConsistent)
  }

  func store(_ index: Int, _ value: UInt64) {
    precondition(index >= 0 && index < count)
    base[index].store(value, ordering: .sequentiallyConsistent)
  }

  func add(_ index: Int, _ amount: UInt64 = 1) {
    precondition(index >= 0 && index < count)
    base[index].wrappingAdd(amount, ordering: .relaxed)
  }

  /// Adds, in the one order of all sequentially consistent operations, and gives back the sum.
  @discardableResult
  func advance(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < count)
    return base[index].wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
  }

  func exchange(_ index: Int, _ value: UInt64) -> UInt64 {
    precondition(index >= 0 && index < count)
    return base[index].exchange(value, ordering: .sequentiallyConsistent)
  }

  func insert(_ bits: UInt64, at index: Int) {
    precondition(index >= 0 && index < count)
    base[index].bitwiseOr(bits, ordering: .sequentiallyConsistent)
  }

  func remove(_ bits: UInt64, at index: Int) {
    precondition(index >= 0 && index < count)
    base[index].bitwiseAnd(~bits, ordering: .sequentiallyConsistent)
  }

  func slice(_ start: Int, _ length: Int) -> SharedWords {
    precondition(start >= 0 && length >= 0 && start + length <= count)
    return SharedWords(UnsafeMutableRawPointer(base + start), count: length)
  }
}

/// Hands out consecutive parts of one shared mapping, in the master, before the first fork.
struct SharedCarver {
  private var rest: SharedWords
  private var taken = 0

  init(_ words: SharedWords) { rest = words }

  mutating func take(_ count: Int) -> SharedWords {
    defer { taken += count }
    return rest.slice(taken, count)
  }
}
