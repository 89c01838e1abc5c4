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
    switch body {
    case .synchronous(let body, let loop):
      WorkerFunction(name) { call in
        do {
          switch try form(call) {
          case .single: return try WorkerReturn(try body(try call.decodedArgument(Input.self)), form: .single)
          case .many: return try WorkerReturn(Self.runMany(try call.decodedArgument([Input].self), body, loop))
          }
        } catch {
          throw WorkerFailure(CallFailure.bytes(of: error))
        }
      }
    case .asynchronous(let body):
      WorkerFunction(name) { call async throws in
        do {
          switch try form(call) {
          case .single: return try WorkerReturn(try await body(try call.decodedArgument(Input.self)), form: .single)
          case .many: return try WorkerReturn(await Self.runMany(try call.decodedArgument([Input].self), body))
          }
        } catch {
          throw WorkerFailure(CallFailure.bytes(of: error))
        }
      }
    }
  }

  private func form(_ call: WorkerCall) throws(ValueCodingError) -> CallForm {
    if let form = call.header.first.flatMap(CallForm.init) { return form }
    throw .undecodable(type: "a call of \"\(name)\"", reason: "it has no known form")
  }

  /// Every input's end, in order.
  func runMany(_ inputs: [Input]) async -> ManyEnds<Output> {
    switch body {
    case .synchronous(let body, let loop): Self.runMany(inputs, body, loop)
    case .asynchronous(let body): await Self.runMany(inputs, body)
    }
  }

  private static func runMany(
    _ inputs: [Input], _ body: (Input) throws -> Output, _ loop: Loop
  ) -> ManyEnds<Output> {
    var outputs: [Output] = []
    outputs.reserveCapacity(inputs.count)
    var ends: ManyEnds<Output>
    do {
      try loop(inputs, &outputs)
      return ManyEnds(outputs)
    } catch {
      ends = ManyEnds(outputs)
      ends.appendFailure("\(error)")
    }
    for input in inputs.dropFirst(outputs.count + 1) {
      do {
        ends.append(try body(input))
      } catch {
        ends.appendFailure("\(error)")
      }
    }
    return ends
  }

  private static func runMany(
    _ inputs: [Input], _ body: @Sendable (Input) async throws -> Output
  ) async -> ManyEnds<Output> {
    var ends = ManyEnds<Output>(reserving: inputs.count)
    for input in inputs {
      do {
        ends.append(try await body(input))
      } catch {
        ends.appendFailure("\(error)")
      }
    }
    return ends
  }
}

extension WorkerCall {
  func decodedArgument<Input: Decodable>(_ type: Input.Type) throws -> Input {
    try argument.withBytes { try ValueCodec.decode(type, from: $0, files: files) }
  }
}

extension WorkerReturn {
  init<Output: Encodable>(_ output: Output, form: ReturnForm) throws {
    let encoded = try ValueCodec.encodeWithFiles(output)
    self.init(.bytes(encoded.bytes), meta: [form.rawValue], files: encoded.files)
  }
  init<Output>(_ ends: ManyEnds<Output>) throws {
    if ends.mixed.isEmpty { try self.init(ends.outputs, form: .many) } else { try self.init(ends.mixed, form: .mixed) }
  }
}
