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

  /// A call's header. Made once: a header a call is an array a call.
  var header: [UInt8] {
    switch self {
    case .single: Self.singleHeader
    case .many: Self.manyHeader
    }
  }

  private static let singleHeader = [single.rawValue]
  private static let manyHeader = [many.rawValue]
}

/// What a worker's meta bytes say about the payload.
enum ReturnForm: UInt8 {
  case single = 1
  /// `[Output]`.
  case many
  /// `[ItemEnd<Output>]`: some threw.
  case mixed

  /// A value's meta bytes, made once.
  var meta: [UInt8] {
    switch self {
    case .single: Self.singleMeta
    case .many: Self.manyMeta
    case .mixed: Self.mixedMeta
    }
  }

  private static let singleMeta = [single.rawValue]
  private static let manyMeta = [many.rawValue]
  private static let mixedMeta = [mixed.rawValue]
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
    let coding = FunctionCoding<Input, Output>(name)
    switch body {
    case .synchronous(let body, let loop):
      return WorkerFunction(name) { call in
        do {
          switch try coding.form(of: call) {
          case .single: return try coding.result(try body(try coding.input(of: call)))
          case .many: return try coding.result(Self.runMany(try coding.inputs(of: call), body, loop))
          }
        } catch {
          throw WorkerFailure(CallFailure.bytes(of: error))
        }
      }
    case .asynchronous(let body):
      return WorkerFunction(name) { call async throws in
        do {
          switch try coding.form(of: call) {
          case .single: return try coding.result(try await body(try coding.input(of: call)))
          case .many: return try coding.result(await Self.runMany(try coding.inputs(of: call), body))
          }
        } catch {
          throw WorkerFailure(CallFailure.bytes(of: error))
        }
      }
    }
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
    var ends: [ItemEnd<Output>]
    do {
      try loop(inputs, &outputs)
      return .all(outputs)
    } catch {
      ends = outputs.map { .returned($0) } + [.threw("\(error)")]
    }
    for input in inputs.dropFirst(ends.count) {
      do {
        ends.append(.returned(try body(input)))
      } catch {
        ends.append(.threw("\(error)"))
      }
    }
    return .mixed(ends)
  }

  private static func runMany(
    _ inputs: [Input], _ body: @Sendable (Input) async throws -> Output
  ) async -> ManyEnds<Output> {
    var outputs: [Output] = []
    outputs.reserveCapacity(inputs.count)
    var ends: [ItemEnd<Output>] = []
    for input in inputs {
      do {
        let output = try await body(input)
        if ends.isEmpty { outputs.append(output) } else { ends.append(.returned(output)) }
      } catch {
        if ends.isEmpty { ends = outputs.map { .returned($0) } }
        ends.append(.threw("\(error)"))
      }
    }
    return ends.isEmpty ? .all(outputs) : .mixed(ends)
  }
}
