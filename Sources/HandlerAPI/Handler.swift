// What someone writes to put their own code behind HTTP.
//
//   struct Greet: Handler {
//     struct Input: Decodable, Sendable { var name: String }
//     static let name = "greet"
//     static let constraints: [InputConstraint] = [.string("name", minLength: 1, maxLength: 100)]
//     func run(_ input: Input, _ context: JobContext) async throws -> [String: String] {
//       ["greeting": "Hello, \(input.name)!"]
//     }
//   }

import JobModel

/// A kind of job: a typed input, a typed output, and the code between them.
public protocol Handler: Sendable {
  /// Decoded from the job's `args`, which are first held against the schema derived from this type (``InputSchema``).
  /// ``RawBody`` instead takes the request body as it came, ``RawJSON`` any `args` as they came.
  associatedtype Input: Decodable & Sendable
  /// Encoded to the job's `result`. ``RawOutput`` instead is returned as it is, with its media type; ``RawJSON`` too.
  associatedtype Output: Encodable & Sendable

  /// What clients call it: lower-case letters, digits, `_`, 64 at most.
  static var name: String { get }
  /// One sentence for `GET /v1/handlers`.
  static var summary: String { get }
  /// Where it runs, unless the configuration says otherwise. Default: ``Executor/process``.
  static var executor: Executor { get }
  /// What the types alone do not say about the input: ranges, lengths, patterns.
  static var constraints: [InputConstraint] { get }
  /// Further conditions between fields; gives back the errors found. Called before a job is queued, on the decoded input
  /// (not for ``RawBody``: what is in it is the job's business).
  static func validate(_ input: Input) -> [InputError]
  /// For a handler that takes ``RawBody``: the `args` that a job may have instead of a body. The handler then finds
  /// them in ``RawBody/args``, and ``RawBody/source`` is `none`. `nil`, the default: a body must be sent.
  static var argumentsInsteadOfBody: (any (Decodable & Sendable).Type)? { get }
  /// For a handler that takes ``RawBody``: the `args` that may be sent along with a body. `nil`, the default: none.
  static var argumentsBesideBody: (any (Decodable & Sendable).Type)? { get }
  /// Wall time a job may take unless it says otherwise; `nil`: the server's default.
  static var timeout: Duration? { get }
  /// Attempts a job has unless it says otherwise. Default: 1.
  static var maxAttempts: Int { get }
  /// How many jobs with the same `key` may run at once, over the whole server, when one of this handler is to begin; 0: any
  /// number. `nil`, the default: as many as the server says.
  static var keyLimit: Int? { get }

  /// Called once in the fork server, before any worker exists: load here what all workers shall share copy-on-write.
  /// It must not start a thread, a task or Dispatch; the fork server checks and stops.
  static func preload() throws

  /// Called once in each worker process (or before the first job in an acceptor), before its first job of this kind.
  init() throws
  func prepare() async throws

  /// Does one job. May be called for several jobs at once where the executor is `task` or `thread`.
  func run(_ input: Input, _ context: JobContext) async throws -> Output
}

extension Handler {
  public static var summary: String { "" }
  public static var executor: Executor { .process }
  public static var constraints: [InputConstraint] { [] }
  public static func validate(_ input: Input) -> [InputError] { [] }
  public static var argumentsInsteadOfBody: (any (Decodable & Sendable).Type)? { nil }
  public static var argumentsBesideBody: (any (Decodable & Sendable).Type)? { nil }
  public static var timeout: Duration? { nil }
  public static var maxAttempts: Int { 1 }
  public static var keyLimit: Int? { nil }
  public static func preload() throws {}
  public func prepare() async throws {}
}

/// An error found in an input: where (an RFC 6901 JSON pointer below the input's root, such as `/below`) and what.
public struct InputError: Error, Sendable, Equatable {
  public var pointer: String
  public var detail: String
  public init(pointer: String, detail: String) {
    self.pointer = pointer
    self.detail = detail
  }
}

/// Throw it from ``Handler/run(_:_:)`` to choose the message of the job's `error`; any other error is described by Swift.
public struct HandlerError: Error, Sendable, CustomStringConvertible {
  public var message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }
}
