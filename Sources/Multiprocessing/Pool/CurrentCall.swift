import CLinux

/// The call that the present code is run by, whatever pool runs it.
///
/// ```swift
/// static let search = RemoteFunction("search") { (limit: Int) throws in
///   for candidate in 0..<limit {
///     if candidate % 1000 == 0, CurrentCall.isCancelled { throw CancellationError() }
///     …
///   }
/// }
/// ```
public enum CurrentCall {
  /// Whether the call should end: it was cancelled, or is over its time. A worker process that does not listen is killed a
  /// second later; threads and tasks cannot be.
  public static var isCancelled: Bool { linux_cancel_requested() != 0 || Task.isCancelled }
}
