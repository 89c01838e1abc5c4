/// One call of a function as a pool gets it: ready to be sent to a process, or to be run here, and told its end.
///
/// Made by the methods of ``Pool``. It knows no types, nor does what a pool does with it: code over types that another module
/// chose has to look them up at run time, at every step, which took longer than a short call. The subclasses have the few
/// steps that cannot do without.
public class PoolWork: @unchecked Sendable {
  // @unchecked: subclasses say why. The function's number is touched by who starts the work only, which one does at a time.
  let function: String
  let limits: CallLimits?
  let form: CallForm
  /// The function's number in the program of the pool that has the work, once that has looked.
  final var functionNumber: Int?

  init(_ function: String, _ limits: CallLimits?, _ form: CallForm) {
    self.function = function
    self.limits = limits
    self.form = form
  }

  func encode() throws(ValueCodingError) -> EncodedValue { preconditionFailure("each kind of call has its own") }

  /// Its value, for ``PoolEnd/ranHere(_:)``.
  func runHere() async throws -> any Sendable { preconditionFailure("each kind of call has its own") }

  /// The call has ended. Called exactly once for each time it was started.
  func ended(_ end: PoolEnd) { preconditionFailure("each kind of call has its own") }
}

/// A call's end as it comes out of a pool.
enum PoolEnd: Sendable {
  case failure(CallError)
  /// From a process: decoded by who asks for it, on a thread of theirs.
  case finished(FinishedCall)
  /// What ``PoolWork/runHere()`` gave.
  case ranHere(any Sendable)
}

/// A call that a pool has, to cancel it. For the pools of this module.
public protocol StartedCall: AnyObject, Sendable {
  /// Asks the call to end. Nothing happens if it has.
  func cancel()
}
