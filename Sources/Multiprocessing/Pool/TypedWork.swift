/// A call whose end is told as a value of a type.
class TypedWork<Value: Sendable>: PoolWork, @unchecked Sendable {
  typealias Completion = @Sendable (PoolReply<Value>) -> Void
  // @unchecked: what subclasses add is constant; this is touched when the call ends only, which is once.
  /// Let go of then, because a reply may be kept by whom it goes to.
  private var completion: Completion?

  init(_ function: String, _ limits: CallLimits?, _ form: CallForm, _ completion: @escaping Completion) {
    self.completion = completion
    super.init(function, limits, form)
  }

  func decode(_ finished: FinishedCall) throws(CallError) -> Value {
    preconditionFailure("each kind of call has its own")
  }

  final override func ended(_ end: PoolEnd) {
    guard let completion else { preconditionFailure("a call ends once") }
    self.completion = nil
    switch end {
    case .failure(let error): completion(.failure(error))
    case .finished(let finished): completion(.finished(finished, self))
    case .ranHere(let value):
      guard let value = value as? Value else { preconditionFailure("a call gives a value of its own type") }
      completion(.value(value))
    }
  }
}

/// A call's end, with its value's type.
enum PoolReply<Value: Sendable>: Sendable {
  case value(Value)
  case failure(CallError)
  /// From a process: decoded by who asks for it, on a thread of theirs.
  case finished(FinishedCall, TypedWork<Value>)

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
  func work(
    _ input: Input, _ limits: CallLimits?, completion: @escaping TypedWork<Output>.Completion
  ) -> PoolWork {
    SingleWork(self, input, limits, completion)
  }

  func work(
    many inputs: [Input], _ limits: CallLimits?, completion: @escaping TypedWork<ManyEnds<Output>>.Completion
  ) -> PoolWork {
    ManyWork(self, inputs, limits, completion)
  }
}

/// A call with one input.
private final class SingleWork<Input: Codable & Sendable, Output: Codable & Sendable>: TypedWork<Output>,
  @unchecked Sendable
{
  private let body: RemoteFunction<Input, Output>
  private let input: Input

  init(
    _ body: RemoteFunction<Input, Output>, _ input: Input, _ limits: CallLimits?, _ completion: @escaping Completion
  ) {
    self.body = body
    self.input = input
    super.init(body.name, limits, .single, completion)
  }

  override func encode() throws(ValueCodingError) -> EncodedValue { try ValueCodec.encodeWithFiles(input) }

  override func decode(_ finished: FinishedCall) throws(CallError) -> Output {
    let (form, payload) = try finished.reply()
    guard form == .single else { throw .strangeForm(of: function) }
    return try finished.decode(Output.self, payload)
  }

  override func runHere() async throws -> any Sendable { try await body(input) }
}

/// A call with many inputs.
private final class ManyWork<Input: Codable & Sendable, Output: Codable & Sendable>: TypedWork<ManyEnds<Output>>,
  @unchecked Sendable
{
  private let body: RemoteFunction<Input, Output>
  private let inputs: [Input]

  init(
    _ body: RemoteFunction<Input, Output>, _ inputs: [Input], _ limits: CallLimits?,
    _ completion: @escaping Completion
  ) {
    self.body = body
    self.inputs = inputs
    super.init(body.name, limits, .many, completion)
  }

  override func encode() throws(ValueCodingError) -> EncodedValue { try ValueCodec.encodeWithFiles(inputs) }

  override func decode(_ finished: FinishedCall) throws(CallError) -> ManyEnds<Output> {
    try ManyEnds(finished, count: inputs.count, of: function)
  }

  override func runHere() async throws -> any Sendable { await body.runMany(inputs) }
}
