/// What a program can name among its functions: a ``RemoteFunction`` of any type, or a ``WorkerFunction`` of bytes.
public protocol RegisteredFunction: Sendable {
  /// The function as workers run it: bytes in, bytes out.
  var workerFunction: WorkerFunction { get }
}

extension WorkerFunction: RegisteredFunction {
  public var workerFunction: WorkerFunction { self }
}

/// How one call of a remote function goes through the bytes of a ``WorkerCall``.
///
/// A call's header says what its argument is: one input, or, for `map`, many. Many outputs come back as `[Output]`, so that
/// numbers are one block, unless one of them threw.
enum CallForm: UInt8 {
  case single = 1
  /// `[Input]`; all items run, whether or not one throws.
  case many
}

/// What a worker's meta bytes say about the payload.
enum ReturnForm: UInt8 {
  case single = 1
  /// `[Output]`.
  case many
  /// `[ItemEnd<Output>]`: some threw.
  case mixed
}

/// The end of one item of many.
enum ItemEnd<Output: Codable & Sendable>: Codable, Sendable {
  case returned(Output)
  case threw(String)
}

extension RemoteFunction: RegisteredFunction {
  public var workerFunction: WorkerFunction {
    WorkerFunction(name) { call in
      switch call.header.first.flatMap(CallForm.init) {
      case .single: try await runOne(call)
      case .many: try await runMany(call)
      case nil: throw WorkerFailure(Array("the call of \"\(name)\" has no known form".utf8))
      }
    }
  }

  private func runOne(_ call: WorkerCall) async throws -> WorkerReturn {
    let output = try await callAsFunction(try call.decodedArgument(Input.self))
    return try WorkerReturn(output, form: .single)
  }

  private func runMany(_ call: WorkerCall) async throws -> WorkerReturn {
    let inputs = try call.decodedArgument([Input].self)
    var outputs: [Output] = []
    outputs.reserveCapacity(inputs.count)
    var ends: [ItemEnd<Output>] = []
    for (index, input) in inputs.enumerated() {
      do {
        let output = try await callAsFunction(input)
        if ends.isEmpty { outputs.append(output) } else { ends.append(.returned(output)) }
      } catch {
        if ends.isEmpty {
          ends.reserveCapacity(inputs.count)
          ends = outputs[..<index].map { .returned($0) }
        }
        ends.append(.threw("\(error)"))
      }
    }
    return ends.isEmpty ? try WorkerReturn(outputs, form: .many) : try WorkerReturn(ends, form: .mixed)
  }
}

extension WorkerCall {
  func decodedArgument<Input: Decodable>(_ type: Input.Type) throws -> Input {
    try ValueCodec.decode(type, from: try argument.readAll(), files: files)
  }
}

extension WorkerReturn {
  init<Output: Encodable>(_ output: Output, form: ReturnForm) throws {
    let encoded = try ValueCodec.encodeWithFiles(output)
    self.init(.bytes(encoded.bytes), meta: [form.rawValue], files: encoded.files)
  }
}
