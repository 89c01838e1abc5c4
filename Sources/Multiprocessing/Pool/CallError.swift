import Glibc

/// Why a call gave no value. One type for all pools, so that work can move between them.
///
/// ```swift
/// do {
///   print(try await pool.run(render, page))
/// } catch .crashed(let crash) {
///   print("signal \(crash.signal ?? 0)", crash.backtrace ?? "")
/// } catch .timedOut {
///   print("too slow")
/// } catch {
///   print(error)
/// }
/// ```
public enum CallError: Error, Sendable, Equatable {
  /// The function threw: the error's description.
  case threw(String)
  /// The worker process died under the call, and only this call ends with it.
  case crashed(Crash)
  /// It took longer than ``CallLimits/timeout``.
  case timedOut
  /// It took more than ``CallLimits/memoryBytes``.
  case memoryExceeded
  /// It took more than ``CallLimits/cpuTime``.
  case cpuTimeExceeded
  /// The call was cancelled, or the task that waited for it was.
  case cancelled
  /// Neither the function's fault nor its caller's: the pool was terminated, or its fork server killed.
  case lost(String)
  /// The pool takes no calls any more.
  case closed
  /// The program's ``MultiprocessingProgram/functions`` have none of this name.
  case unregistered(String)
  /// An argument or a result cannot go to another process.
  case unencodable(ValueCodingError)
  /// What came from another process is not a value of the type: two functions have one name, or a worker's memory is damaged.
  case undecodable(ValueCodingError)
  /// The pool's initializer threw in the worker that was to run the call: the error's description.
  case initializerFailed(String)
  /// The call is not at its end yet, and goes on.
  case notReady
  /// This pool cannot keep that limit: only a process can be limited in memory and CPU time.
  case unsupported(String)
  /// The pool cannot run anything: what is missing.
  case unavailable(String)
}

extension CallError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .threw(let text): "the function threw: \(text)"
    case .crashed(let crash):
      if let signal = crash.signal {
        "the worker process was ended by signal \(signal) (\(String(cString: strsignal(signal))))"
      } else {
        "the worker process left with exit status \(crash.exitStatus ?? 0)"
      }
    case .timedOut: "the call took longer than its timeout"
    case .memoryExceeded: "the call took more memory than its limit"
    case .cpuTimeExceeded: "the call took more CPU time than its limit"
    case .cancelled: "the call was cancelled"
    case .lost(let reason): "the call was lost: \(reason)"
    case .closed: "the pool is closed"
    case .unregistered(let name): "no function \"\(name)\" is registered in the program's functions"
    case .unencodable(let error), .undecodable(let error): "\(error)"
    case .initializerFailed(let text): "the pool's initializer threw: \(text)"
    case .notReady: "the call has not ended within the time waited for it"
    case .unsupported(let what): what
    case .unavailable(let what): "the pool cannot run anything: \(what)"
    }
  }
}
