import Synchronization
import Testing

@testable import Multiprocessing

@Suite("A call that a pool has taken")
struct PendingCallTests {
  /// Counts how often it is cancelled.
  private final class Started: StartedCall {
    private let value = Mutex(0)
    func cancel() { value.withLock { $0 += 1 } }
    var cancels: Int { value.withLock { $0 } }
  }

  @Test("is cancelled though the cancel came before the pool had it, and once only")
  func earlyCancel() {
    let call = PendingCall<Int>()
    let started = Started()
    call.cancel()
    call.started(started)
    #expect(started.cancels == 1)
    call.end(.failure(.cancelled))
    call.cancel()
    #expect(started.cancels == 1 && call.isSuccessful == false)
  }

  @Test("gives its value to all who wait, and to those who come later")
  func manyWait() async throws {
    let call = PendingCall<Int>()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<20 { group.addTask { try await call.value } }
      group.addTask {
        call.end(.value(7))
        return 7
      }
      for try await value in group { #expect(value == 7) }
    }
    #expect(try await call.value(timeout: .zero) == 7)
  }

  @Test("goes on when a task that waits for it is cancelled, or waits no longer")
  func stopsWaiting() async throws {
    let call = PendingCall<Int>()
    let task = Task { () async throws(CallError) in try await call.value }
    task.cancel()
    await #expect(throws: CallError.cancelled) { try await task.value }
    await #expect(throws: CallError.notReady) { try await call.value(timeout: .milliseconds(5)) }
    #expect(!call.isReady && call.resultNow == nil)
    call.end(.value(7))
    #expect(call.resultNow == .success(7))
  }
}
