/// What the workers of a pool can do: functions by name, and what they share.
///
/// It is made before the fork server is started, and both sides have it from then on: the acceptor calls a function by its
/// name, the worker runs it.
public struct WorkerProgram: Sendable {
  let functions: [WorkerFunction]
  let preload: @Sendable () throws -> Void
  /// Of the functions, by name.
  let indexes: [String: Int]

  /// - Parameters:
  ///   - functions: names must differ.
  ///   - preload: run once in the fork server, before any worker exists; what it loads into globals all workers share
  ///     copy-on-write. It must not start a thread, a task or Dispatch: the fork server checks, and stops if it did.
  public init(_ functions: [WorkerFunction], preload: @escaping @Sendable () throws -> Void = {}) {
    self.functions = functions
    self.preload = preload
    indexes = Dictionary(functions.enumerated().map { ($1.name, $0) }) { first, _ in
      preconditionFailure("two functions of a program have the name \"\(functions[first].name)\"")
    }
  }

  func index(of name: String) -> Int? { indexes[name] }
}

/// A function that workers run, one call at a time.
///
/// It runs on the worker's main thread, which does nothing else meanwhile; `await` works, and so do child tasks. The main
/// actor does not run in a worker: a function must not wait for it. SIGUSR1 and the signals of a crash are the worker's own.
public struct WorkerFunction: Sendable {
  public let name: String
  let body: Body

  enum Body: Sendable {
    case synchronous(@Sendable (WorkerCall) throws -> WorkerReturn)
    case asynchronous(@Sendable (WorkerCall) async throws -> WorkerReturn)
  }

  /// A function that awaits nothing: the quickest, because it needs no task.
  public init(_ name: String, _ body: @escaping @Sendable (WorkerCall) throws -> WorkerReturn) {
    self.name = name
    self.body = .synchronous(body)
  }

  public init(_ name: String, _ body: @escaping @Sendable (WorkerCall) async throws -> WorkerReturn) {
    self.name = name
    self.body = .asynchronous(body)
  }

  func run(_ call: WorkerCall) async throws -> WorkerReturn {
    switch body {
    case .synchronous(let body): try body(call)
    case .asynchronous(let body): try await body(call)
    }
  }
}

/// What a function gives back: its value, and a few opaque bytes about it (a media type, say).
public struct WorkerReturn: Sendable {
  public var payload: Payload
  /// Open files of values in the payload; at most ``PoolCall/mostFiles``.
  public var files: [SharedFile]
  /// At most ``PoolCall/longestHeader`` bytes.
  public var meta: [UInt8]

  public init(_ payload: Payload, meta: [UInt8] = [], files: [SharedFile] = []) {
    precondition(files.count <= PoolCall.mostFiles, "a result has more files than a result may have")
    self.payload = payload
    self.files = files
    self.meta = meta
  }

  public init(_ bytes: [UInt8]) { self.init(.bytes(bytes)) }
}

/// Thrown by a function to choose the bytes its caller gets; any other error is sent as its description in UTF-8.
public struct WorkerFailure: Error, Sendable {
  /// Cut at ``PoolCall/longestHeader`` bytes.
  public var bytes: [UInt8]
  public init(_ bytes: [UInt8]) { self.bytes = bytes }
}
