/// One call of a function as a pool gets it: ready to be sent to a process, or to be run here.
///
/// Made by the methods of ``Pool``.
public struct PoolWork<Value: Sendable>: Sendable {
  let function: String
  let limits: CallLimits?
  let form: CallForm
  let encode: @Sendable () throws(ValueCodingError) -> EncodedValue
  let decode: @Sendable (FinishedCall) throws(CallError) -> Value
  let runHere: @Sendable () async throws -> Value
}

/// A call's end as it comes out of a pool. What came from a process is decoded by who asks for it, on a thread of theirs.
public struct PoolReply<Value: Sendable>: Sendable {
  let get: @Sendable () throws(CallError) -> Value

  static func failure(_ error: CallError) -> PoolReply { PoolReply { () throws(CallError) in throw error } }

  var result: Result<Value, CallError> {
    do throws(CallError) {
      return .success(try get())
    } catch {
      return .failure(error)
    }
  }
}

extension RemoteFunction {
  /// A call with one input.
  func work(_ input: Input, _ limits: CallLimits?) -> PoolWork<Output> {
    PoolWork(
      function: name, limits: limits, form: .single,
      encode: { () throws(ValueCodingError) in try ValueCodec.encodeWithFiles(input) },
      decode: { finished throws(CallError) in
        let (form, bytes) = try finished.reply()
        guard form == .single else { throw CallError.strangeForm(of: name) }
        return try finished.decode(Output.self, bytes)
      },
      runHere: { try await self(input) })
  }

  /// A call with many inputs.
  func work(many inputs: [Input], _ limits: CallLimits?) -> PoolWork<ManyEnds<Output>> {
    PoolWork(
      function: name, limits: limits, form: .many,
      encode: { () throws(ValueCodingError) in try ValueCodec.encodeWithFiles(inputs) },
      decode: { finished throws(CallError) in
        let (form, bytes) = try finished.reply()
        let ends: ManyEnds<Output>
        switch form {
        case .many: ends = ManyEnds(try finished.decode([Output].self, bytes))
        case .mixed: ends = ManyEnds(try finished.decode([ItemEnd<Output>].self, bytes))
        case .single, nil: throw CallError.strangeForm(of: name)
        }
        guard ends.count == inputs.count else { throw CallError.strangeForm(of: name) }
        return ends
      },
      runHere: { await runMany(inputs) })
  }
}

extension FinishedCall {
  /// What was returned, and in what form; whatever else was the end is thrown.
  fileprivate func reply() throws(CallError) -> (ReturnForm?, [UInt8]) {
    switch outcome {
    case .returned(let payload, let meta):
      do {
        return (meta.first.flatMap(ReturnForm.init), try payload.readAll())
      } catch {
        throw .lost("\(error)")
      }
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

  fileprivate func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) throws(CallError) -> Value {
    do {
      return try ValueCodec.decode(type, from: bytes, files: files)
    } catch {
      throw .undecodable(error)
    }
  }
}

extension CallError {
  fileprivate static func strangeForm(of name: String) -> CallError {
    .undecodable(.undecodable(type: "the result of \"\(name)\"", reason: "it has not the form that was asked for"))
  }
}
