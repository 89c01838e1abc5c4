import Glibc
import Synchronization

/// A thread for calls that block (files, fsync), so that neither the event loop nor the cooperative pool waits for a disk.
final class BlockingThread: Sendable {
  private let executor = ThreadExecutor()

  /// Runs `body` on the thread, after what was given to it before.
  func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await Task(executorPreference: executor) { try body() }.value
  }
}
