// What a call of a remote function gave, out of what its worker sent.

extension FinishedCall {
  /// What was returned, and in what form; whatever else was the end is thrown.
  func reply() throws(CallError) -> (ReturnForm?, Payload) {
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

  func decode<Value: Decodable>(_ type: Value.Type, _ payload: Payload) throws(CallError) -> Value {
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

extension ManyEnds {
  /// - Parameter count: of the call's inputs.
  init(_ finished: FinishedCall, count: Int, of function: String) throws(CallError) {
    let (form, payload) = try finished.reply()
    switch form {
    case .many: self = .all(try finished.decode([Output].self, payload))
    case .mixed: self = .mixed(try finished.decode([ItemEnd<Output>].self, payload))
    case .single, nil: throw .strangeForm(of: function)
    }
    guard self.count == count else { throw .strangeForm(of: function) }
  }
}

extension CallError {
  static func strangeForm(of name: String) -> CallError {
    .undecodable(.undecodable(type: "the result of \"\(name)\"", reason: "it has not the form that was asked for"))
  }
}
