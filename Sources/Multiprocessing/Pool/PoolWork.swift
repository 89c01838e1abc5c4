/// One call of a function as a pool gets it: ready to be sent to a process, or to be run here.
///
/// Made by the methods of ``Pool``. A class, because a call is handed on several times and a small one is short.
public class PoolWork<Value: Sendable>: @unchecked Sendable {
  // @unchecked: subclasses have constants only.
  let function: String
  let limits: CallLimits?
  let form: CallForm

  init(_ function: String, _ limits: CallLimits?, _ form: CallForm) {
    self.function = function
    self.limits = limits
    self.form = form
  }

  func encode() throws(ValueCodingError) -> EncodedValue { preconditionFailure("each kind of call has its own") }

  func decode(_ finished: FinishedCall) throws(CallError) -> Value {
    preconditionFailure("each kind of call has its own")
  }

  func runHere() async throws -> Value { preconditionFailure("each kind of call has its own") }
}

/// A call's end as it comes out of a pool.
public enum PoolReply<Value: Sendable>: Sendable {
  case value(Value)
  case failure(CallError)
  /// From a process: decoded by who asks for it, on a thread of theirs.
  case finished(FinishedCall, PoolWork<Value>)

  var result: Result<Value, CallError> {
    switch self {
    case .value(let value): return .success(value)
    case .failure(let error): return .failure(error)
    case .finished(let call, let work):
      do throws(CallError) {
        return .success(try work.decode(call))
      } catch {
        return .failure(error)
      }
    }
  }
}

extension RemoteFunction {
  func work(_ input: Input, _ limits: CallLimits?) -> PoolWork<Output> { SingleWork(self, input, limits) }

  func work(many inputs: [Input], _ limits: CallLimits?) -> PoolWork<ManyEnds<Output>> {
    ManyWork(self, inputs, limits)
  }
}

/// A call with one input.
private final class SingleWork<Input: Codable & Sendable, Output: Codable & Sendable>: PoolWork<Output>,
  @unchecked Sendable
{
  private let body: RemoteFunction<Input, Output>
  private let input: Input

  init(_ body: RemoteFunction<Input, Output>, _ input: Input, _ limits: CallLimits?) {
    self.body = body
    self.input = input
    super.init(body.name, limits, .single)
  }

  override func encode() throws(ValueCodingError) -> EncodedValue { try ValueCodec.encodeWithFiles(input) }

  override func decode(_ finished: FinishedCall) throws(CallError) -> Output {
    let (form, payload) = try finished.reply()
    guard form == .single else { throw .strangeForm(of: function) }
    return try finished.decode(Output.self, payload)
  }

  override func runHere() async throws -> Output { try await body(input) }
}

/// A call with many inputs.
private final class ManyWork<Input: Codable & Sendable, Output: Codable & Sendable>: PoolWork<ManyEnds<Output>>,
  @unchecked Sendable
{
  private let body: RemoteFunction<Input, Output>
  private let inputs: [Input]

  init(_ body: RemoteFunction<Input, Output>, _ inputs: [Input], _ limits: CallLimits?) {
    self.body = body
    self.inputs = inputs
    super.init(body.name, limits, .many)
  }

  override func encode() throws(ValueCodingError) -> EncodedValue { try ValueCodec.encodeWithFiles(inputs) }

  override func decode(_ finished: FinishedCall) throws(CallError) -> ManyEnds<Output> {
    let (form, payload) = try finished.reply()
    let ends: ManyEnds<Output>
    switch form {
    case .many: ends = ManyEnds(try finished.decode([Output].self, payload))
    case .mixed: ends = ManyEnds(try finished.decode([ItemEnd<Output>].self, payload))
    case .single, nil: throw .strangeForm(of: function)
    }
    guard ends.count == inputs.count else { throw .strangeForm(of: function) }
    return ends
  }

  override func runHere() async throws -> ManyEnds<Output> { await body.runMany(inputs) }
}

extension FinishedCall {
  /// What was returned, and in what form; whatever else was the end is thrown.
  fileprivate func reply() throws(CallError) -> (ReturnForm?, Payload) {
    switch outcome {
    case .returned(let payload, let meta): return (meta.first.flatMap(ReturnForm.init), payload)
    case .threw(let bytes): throw CallFailure.error(bytes)
    case .unprepared(let bytes): throw CallFailure.initializerError(bytes)
    case .crashed(let crash): throw .crashed(crash)
    case .timedOut: throw .timedOut
    case .memoryExceeded: throw .memoryExceeded
    case .cpuTimeExceeded: throw .cpuTimeExceeded
    case .cancelled: throw .cancelled
    case .lost(let reason): throw .lost(reason)
    }
  }

  fileprivate func decode<Value: Decodable>(_ type: Value.Type, _ payload: Payload) throws(CallError) -> Value {
    do {
      return try payload.withBytes { try ValueCodec.decode(type, from: $0, files: files) }
    } catch let error as ValueCodingError {
      throw .undecodable(error)
    } catch {
      // The memory file it came in could not be read.
      throw .lost("\(error)")
    }
  }
}

extension CallError {
  fileprivate static func strangeForm(of name: String) -> CallError {
    .undecodable(.undecodable(type: "the result of \"\(name)\"", reason: "it has not the form that was asked for"))
  }
}
