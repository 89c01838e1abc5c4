import Foundation
import Synchronization

/// Runs the body on so many threads of their own at once, waits for all of them, and gives their results in order.
///
/// Not tasks: the clients here block, and the cooperative pool has as many threads as the machine has cores.
@discardableResult
func concurrently<Value: Sendable>(
  _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
  let results = Results<Value>(count)
  let ended = DispatchSemaphore(value: 0)
  for index in 0..<count {
    Thread.detachNewThread {
      let result = Result { try body(index) }
      results.values.withLock { $0[index] = result }
      ended.signal()
    }
  }
  for _ in 0..<count { ended.wait() }
  return try results.values.withLock { try $0.map { try $0!.get() } }
}

private final class Results<Value: Sendable>: Sendable {
  let values: Mutex<[Result<Value, any Error>?]>
  init(_ count: Int) { values = Mutex(Array(repeating: nil, count: count)) }
}

/// A switch that one thread turns and others look at.
final class Flag: Sendable {
  private let state = Atomic(false)
  var isSet: Bool { state.load(ordering: .acquiring) }
  func set() { state.store(true, ordering: .releasing) }
}
