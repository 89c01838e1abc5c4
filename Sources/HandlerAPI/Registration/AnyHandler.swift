// A handler without its types: what the server needs to know of it, and the ways to check and run its jobs.

import JobModel
import StrictJSON

public struct AnyHandler: Sendable {
  /// What a handler says of itself.
  public struct Properties: Sendable, Equatable {
    public var name: String
    public var summary: String
    public var executor: Executor
    public var timeout: Duration?
    public var maxAttempts: Int
    /// See ``Handler/keyLimit``.
    public var keyLimit: Int?

    public init(
      name: String, summary: String = "", executor: Executor = .process, timeout: Duration? = nil, maxAttempts: Int = 1,
      keyLimit: Int? = nil
    ) {
      self.name = name
      self.summary = summary
      self.executor = executor
      self.timeout = timeout
      self.maxAttempts = maxAttempts
      self.keyLimit = keyLimit
    }
  }

  public let properties: Properties
  let input: InputForm
  private let preloadBody: @Sendable () throws -> Void
  private let instantiateBody: @Sendable () async throws -> AnyHandlerInstance

  public var name: String { properties.name }
  /// A request body of any media type may be its input.
  public var acceptsRawBody: Bool { input.acceptsRawBody }
  /// Its input is nothing but `args`: the body of `/v1/run/{handler}` is read as them.
  public var isInputJSONOnly: Bool { !acceptsRawBody }
  /// What its `args` may be where no body is sent; `nil`: then it needs a body.
  public var schema: InputSchema? { input.withoutBody }
  /// What its `args` may be beside a body; `nil`: it takes none there.
  public var schemaBesideBody: InputSchema? { input.besideBody }

  /// - Throws: ``HandlerRegistrationError`` naming the handler and what is wrong with it.
  public init<H: Handler>(_ type: H.Type) throws(HandlerRegistrationError) {
    let input: InputForm
    do throws(HandlerRegistrationError) {
      input = try InputForm(of: type)
    } catch {
      throw error.naming(type.name)
    }
    try self.init(
      Properties(
        name: type.name, summary: type.summary, executor: type.executor, timeout: type.timeout,
        maxAttempts: type.maxAttempts, keyLimit: type.keyLimit),
      input: input, preload: { try type.preload() },
      instantiate: { try await TypedRun<H>.instantiate() })
  }

  /// A handler that is no Swift type, such as an external command: it takes a body or any `args`, and checks them itself.
  public init(
    _ properties: Properties, instantiate: @escaping @Sendable () async throws -> AnyHandlerInstance
  ) throws(HandlerRegistrationError) {
    try self.init(
      properties, input: InputForm(acceptsRawBody: true, withoutBody: .anything, besideBody: .anything), preload: {},
      instantiate: instantiate)
  }

  private init(
    _ properties: Properties, input: InputForm, preload: @escaping @Sendable () throws -> Void,
    instantiate: @escaping @Sendable () async throws -> AnyHandlerInstance
  ) throws(HandlerRegistrationError) {
    self.properties = properties
    self.input = input
    preloadBody = preload
    instantiateBody = instantiate
    try refuseBadProperties()
  }

  private func refuseBadProperties() throws(HandlerRegistrationError) {
    let isName = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
      default: false
      }
    }
    if !isName || !(1...64).contains(name.utf8.count) {
      throw HandlerRegistrationError(
        "\"\(name)\" is no name for a handler: it has lower-case letters, digits and _, from 1 to 64 of them")
    }
    if properties.maxAttempts < 1 { throw HandlerRegistrationError("maxAttempts must be at least 1").naming(name) }
    if let timeout = properties.timeout, timeout <= .zero {
      throw HandlerRegistrationError("the timeout must be longer than nothing").naming(name)
    }
  }

  // MARK: Checking

  /// What is wrong with a job's `args`; empty if nothing is. Pointers begin below `args`. In order: the schema, decoding to
  /// the handler's own types, ``Handler/validate(_:)``.
  ///
  /// - Parameter hasBody: a request body is the input, and these `args` stand beside it.
  public func checkArgs(_ node: JSONNode, hasBody: Bool) -> [InputError] { input.check(node, hasBody: hasBody) }

  /// Makes the `args` of a query: each item is what stood in `args.NAME=VALUE`, without the `args.`. A value is read as the
  /// type of its field says; objects, arrays, and what may be anything are given as JSON.
  ///
  /// - Throws: ``InputErrors`` for unknown and repeated names, and values that their field's type cannot be read from.
  ///   ``checkArgs(_:hasBody:)`` says whether the result is right as a whole.
  public func argsFromQuery(
    _ items: [(name: String, value: String)], hasBody: Bool
  ) throws(InputErrors) -> [UInt8] {
    try QueryArguments.json(items, schema: hasBody ? input.besideBody : input.withoutBody)
  }

  // MARK: Running

  /// ``Handler/preload()``: in the fork server.
  public func preload() throws { try preloadBody() }

  /// Makes a handler that is ready to run jobs. Throws what its `init` or `prepare` throws.
  public func instantiate() async throws -> AnyHandlerInstance { try await instantiateBody() }
}
