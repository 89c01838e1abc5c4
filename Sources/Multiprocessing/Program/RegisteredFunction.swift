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

/// How a failure goes from a worker to its caller: what failed, and the bytes of its text.
enum CallFailure: UInt8 {
  case threw = 1
  case unencodable, undecodable

  func bytes(_ text: String) -> [UInt8] { [rawValue] + text.utf8 }

  static func bytes(of error: any Error) -> [UInt8] {
    switch error {
    case ValueCodingError.unencodable(let type, let reason): unencodable.bytes("\(type)\n\(reason)")
    case ValueCodingError.undecodable(let type, let reason): undecodable.bytes("\(type)\n\(reason)")
    default: threw.bytes("\(error)")
    }
  }

  static func error(_ bytes: [UInt8]) -> CallError {
    let text = String(decoding: bytes.dropFirst(), as: UTF8.self)
    let parts = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    switch bytes.first.flatMap(CallFailure.init) {
    case .threw: return .threw(text)
    case .unencodable: return .unencodable(.unencodable(type: parts[0], reason: parts.last ?? ""))
    case .undecodable: return .undecodable(.undecodable(type: parts[0], reason: parts.last ?? ""))
    // A function of bytes, or a call that could not be made: its own words.
    case nil: return .threw(String(decoding: bytes, as: UTF8.self))
    }
  }

  static func initializerError(_ bytes: [UInt8]) -> CallError {
    switch error(bytes) {
    case .threw(let text): .initializerFailed(text)
    case let other: .initializerFailed("\(other)")
    }
  }
}

extension RemoteFunction: RegisteredFunction {
  public var workerFunction: WorkerFunction {
    WorkerFunction(name) { call in
      do {
        switch call.header.first.flatMap(CallForm.init) {
        case .single: return try await runOne(call)
        case .many: return try await runMany(call)
        case nil: throw ValueCodingError.undecodable(type: "a call of \"\(name)\"", reason: "it has no known form")
        }
      } catch {
        throw WorkerFailure(CallFailure.bytes(of: error))
      }
    }
  }

  private func runOne(_ call: WorkerCall) async throws -> WorkerReturn {
    try WorkerReturn(try await self(try call.decodedArgument(Input.self)), form: .single)
  }

  private func runMany(_ call: WorkerCall) async throws -> WorkerReturn {
    switch await runMany(try call.decodedArgument([Input].self)) {
    case .all(let outputs): try WorkerReturn(outputs, form: .many)
    case .mixed(let ends): try WorkerReturn(ends, form: .mixed)
    }
  }

  func runMany(_ inputs: [Input]) async -> ManyEnds<Output> {
    var outputs: [Output] = []
    outputs.reserveCapacity(inputs.count)
    for (index, input) in inputs.enumerated() {
      do {
        outputs.append(try await self(input))
      } catch {
        let done = outputs.map { ItemEnd.returned($0) }
        return .mixed(done + [.threw("\(error)")] + (await runEach(inputs[(index + 1)...])))
      }
    }
    return .all(outputs)
  }

  private func runEach(_ inputs: ArraySlice<Input>) async -> [ItemEnd<Output>] {
    var ends: [ItemEnd<Output>] = []
    for input in inputs {
      do {
        ends.append(.returned(try await self(input)))
      } catch {
        ends.append(.threw("\(error)"))
      }
    }
    return ends
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
