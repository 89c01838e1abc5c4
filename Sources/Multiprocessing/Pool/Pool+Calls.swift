// One call: awaited, blocked for, or held by a handle.

import Synchronization

extension Pool {
  /// Runs a function, and gives its value. Waits in line while the pool is full. Cancelling the task cancels the call.
  ///
  /// ```swift
  /// let nine = try await pool.run(square, 3)
  /// ```
  @discardableResult
  public func run<Input, Output>(
    _ function: RemoteFunction<Input, Output>, _ input: Input, limits: CallLimits? = nil
  ) async throws(CallError) -> Output {
    let call = try await submit(function, input, limits: limits)
    await withTaskCancellationHandler {
      // Until its end even if the task is cancelled: what was cancelled has stopped when this returns.
      await withUnsafeContinuation { continuation in call.afterEnd { continuation.resume() } }
    } onCancel: {
      call.cancel()
    }
    return try call.endedResult.get()
  }

  /// Runs a function of several arguments.
  ///
  /// ```swift
  /// let kibi = try await pool.run(power, 2, 10)
  /// ```
  @_disfavoredOverload @discardableResult
  public func run<each Argument, Output>(
    _ function: RemoteFunction<Arguments<repeat each Argument>, Output>, _ arguments: repeat each Argument,
    limits: CallLimits? = nil
  ) async throws(CallError) -> Output {
    try await run(function, Arguments(repeat each arguments), limits: limits)
  }

  /// Runs a function that takes nothing.
  @discardableResult
  public func run<Output>(
    _ function: RemoteFunction<NoValue, Output>, limits: CallLimits? = nil
  ) async throws(CallError) -> Output {
    try await run(function, NoValue(), limits: limits)
  }

  /// Has a function run, and returns as soon as the pool has taken the call: Python's `apply_async`. While the pool is full, the
  /// task waits in line.
  ///
  /// ```swift
  /// let call = try await pool.submit(square, 3, callback: { print($0) }, errorCallback: { print("no: \($0)") })
  /// …
  /// let nine = try await call.value
  /// ```
  ///
  /// - Parameters:
  ///   - function: one of the program's functions.
  ///   - input: its argument.
  ///   - limits: of this call; `nil`: the pool's.
  ///   - callback: gets the value, once, in a task of its own.
  ///   - errorCallback: gets the error if there is one, likewise.
  /// - Throws: ``CallError/closed``, or that the task was cancelled while it waited. What else goes wrong is the call's end.
  @discardableResult
  public func submit<Input, Output>(
    _ function: RemoteFunction<Input, Output>, _ input: Input, limits: CallLimits? = nil,
    callback: (@Sendable (Output) -> Void)? = nil, errorCallback: (@Sendable (CallError) -> Void)? = nil
  ) async throws(CallError) -> PendingCall<Output> {
    try await gate.enter()
    return begin(function, input, limits, callback, errorCallback)
  }

  /// The same for synchronous code: while the pool is full, the thread blocks.
  @available(*, noasync, message: "use the async submit, which suspends and does not block")
  @discardableResult
  public func submit<Input, Output>(
    _ function: RemoteFunction<Input, Output>, _ input: Input, limits: CallLimits? = nil,
    callback: (@Sendable (Output) -> Void)? = nil, errorCallback: (@Sendable (CallError) -> Void)? = nil
  ) throws(CallError) -> PendingCall<Output> {
    try enterBlocking()
    return begin(function, input, limits, callback, errorCallback)
  }

  /// Runs a function, and blocks the thread until its value is there. For synchronous programs; never on a thread of Swift's
  /// cooperative pool, which other tasks need. On the event loop's thread, which brings the results, it stops the process.
  ///
  /// ```swift
  /// static func main() throws {
  ///   try Launcher.start([square])
  ///   print(try ProcessPool().apply(square, 5))
  /// }
  /// ```
  @available(*, noasync, message: "use run, which suspends and does not block")
  @discardableResult
  public func apply<Input, Output>(
    _ function: RemoteFunction<Input, Output>, _ input: Input, limits: CallLimits? = nil
  ) throws(CallError) -> Output {
    try enterBlocking()
    return try begin(function, input, limits, nil, nil).blockForValue(timeout: nil)
  }

  /// Starts a call whose caller is in.
  private func begin<Input, Output>(
    _ function: RemoteFunction<Input, Output>, _ input: Input, _ limits: CallLimits?,
    _ callback: (@Sendable (Output) -> Void)?, _ errorCallback: (@Sendable (CallError) -> Void)?
  ) -> PendingCall<Output> {
    let call = PendingCall<Output>()
    let work = function.work(input, limits) { reply in
      call.end(reply)
      // The pool lives until its last call has ended.
      gate.leave()
      if callback == nil && errorCallback == nil { return }
      Task {
        switch call.endedResult {
        case .success(let value): callback?(value)
        case .failure(let error): errorCallback?(error)
        }
      }
    }
    call.started(start(work))
    return call
  }

  private func enterBlocking() throws(CallError) {
    let threadGate = ThreadGate()
    let refusal = Refusal()
    gate.enter { reason in
      refusal.reason.withLock { $0 = reason }
      threadGate.open()
    }
    _ = threadGate.wait(nil)
    if let reason = refusal.reason.withLock({ $0 }) { throw reason }
  }
}

/// Where a thread that waits finds why it is not let in.
private final class Refusal: Sendable {
  let reason = Mutex<CallError?>(nil)
}
