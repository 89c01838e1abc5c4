/// How a worker gets a remote function's inputs out of a call, and its outputs into an answer.
struct FunctionCoding<Input: Codable & Sendable, Output: Codable & Sendable>: Sendable {
  private let name: String
  private let inputs = ArrayCoding<Input>()
  private let outputs = ArrayCoding<Output>()

  init(_ name: String) { self.name = name }

  func form(of call: WorkerCall) throws(ValueCodingError) -> CallForm {
    if let form = call.header.first.flatMap(CallForm.init) { return form }
    throw .undecodable(type: "a call of \"\(name)\"", reason: "it has no known form")
  }

  func input(of call: WorkerCall) throws -> Input {
    try call.argument.withBytes { try ValueCodec.decode(Input.self, from: $0, files: call.files) }
  }

  func inputs(of call: WorkerCall) throws -> [Input] {
    try call.argument.withBytes { try inputs.decode($0, files: call.files) }
  }

  func result(_ output: Output) throws -> WorkerReturn { answer(try ValueCodec.encodeWithFiles(output), .single) }

  func result(_ ends: ManyEnds<Output>) throws -> WorkerReturn {
    switch ends {
    case .all(let outputs): answer(try self.outputs.encode(outputs, 0..<outputs.count), .many)
    case .mixed(let ends): answer(try ValueCodec.encodeWithFiles(ends), .mixed)
    }
  }

  private func answer(_ encoded: EncodedValue, _ form: ReturnForm) -> WorkerReturn {
    WorkerReturn(.bytes(encoded.bytes), meta: form.meta, files: encoded.files)
  }
}
