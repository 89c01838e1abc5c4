/// A function that can be run elsewhere: in a worker of a ``ProcessPool``, in a ``ChildProcess``, on a thread of a
/// ``ThreadPool`` or in a task of a ``TaskPool``.
///
/// It has a name, because another process knows functions by their names: register it in the program's
/// ``MultiprocessingProgram/functions``. What it takes and gives is `Codable`, because it travels as bytes; it captures nothing
/// that another process should see change. Declare it as a constant:
///
/// ```swift
/// static let square = RemoteFunction("square") { (n: Int) in n * n }
/// static let power = RemoteFunction("power") { (base: Int, exponent: Int) in (0..<exponent).reduce(1) { p, _ in p * base } }
/// static let fetch = RemoteFunction("fetch") { (url: String) async throws in try await load(url) }
/// ```
///
/// An error it throws reaches the caller as ``CallError/threw(_:)`` with the error's description. It should look at
/// ``CurrentCall/isCancelled`` now and then if it computes for long.
public struct RemoteFunction<Input: Codable & Sendable, Output: Codable & Sendable>: Sendable {
  /// Unlike any other function's of the program.
  public let name: String
  let body: Body

  enum Body: Sendable {
    case synchronous(@Sendable (Input) throws -> Output, loop: Loop)
    case asynchronous(@Sendable (Input) async throws -> Output)
  }

  /// Appends the outputs of the inputs, up to the first that throws.
  @usableFromInline typealias Loop = @Sendable ([Input], inout [Output]) throws -> Void

  /// A function that awaits nothing.
  // Inlined, so that the loop is compiled where the types are known: the same loop over any types takes ten times as long.
  @inlinable
  public init(_ name: String, _ body: @escaping @Sendable (Input) throws -> Output) {
    self.init(name, body) { inputs, outputs in
      outputs.reserveCapacity(inputs.count)
      for input in inputs { outputs.append(try body(input)) }
    }
  }

  @usableFromInline
  init(_ name: String, _ body: @escaping @Sendable (Input) throws -> Output, loop: @escaping Loop) {
    self.name = name
    self.body = .synchronous(body, loop: loop)
  }

  /// A function that may await: in a worker it has the worker's thread, and its child tasks have others.
  public init(_ name: String, _ body: @escaping @Sendable (Input) async throws -> Output) {
    self.name = name
    self.body = .asynchronous(body)
  }

  /// Runs it here, as any function.
  public func callAsFunction(_ input: Input) async throws -> Output {
    switch body {
    case .synchronous(let body, _): try body(input)
    case .asynchronous(let body): try await body(input)
    }
  }
}

/// No value: the input of a function that takes nothing, the output of one that gives nothing.
public struct NoValue: Codable, Sendable, Hashable {
  public init() {}
}

/// Several arguments as one value: the input of a function of two or more.
///
/// ```swift
/// let power = RemoteFunction("power") { (base: Int, exponent: Int) in … }  // RemoteFunction<Arguments<Int, Int>, Int>
/// try await pool.run(power, 2, 10)
/// ```
public struct Arguments<each Argument: Codable & Sendable>: Codable, Sendable {
  public let values: (repeat each Argument)

  public init(_ values: repeat each Argument) { self.values = (repeat each values) }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.unkeyedContainer()
    repeat try container.encode(each values)
  }

  public init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    values = (repeat try container.decode((each Argument).self))
  }
}

extension RemoteFunction where Output == NoValue {
  /// A function that gives nothing back.
  public init(_ name: String, _ body: @escaping @Sendable (Input) throws -> Void) {
    self.init(name) { (input: Input) throws -> NoValue in
      try body(input)
      return NoValue()
    }
  }

  public init(_ name: String, _ body: @escaping @Sendable (Input) async throws -> Void) {
    self.init(name) { (input: Input) async throws -> NoValue in
      try await body(input)
      return NoValue()
    }
  }
}

extension RemoteFunction where Input == NoValue {
  /// A function that takes nothing.
  public init(_ name: String, _ body: @escaping @Sendable () throws -> Output) {
    self.init(name) { (_: NoValue) throws -> Output in try body() }
  }

  public init(_ name: String, _ body: @escaping @Sendable () async throws -> Output) {
    self.init(name) { (_: NoValue) async throws -> Output in try await body() }
  }
}

extension RemoteFunction where Input == NoValue, Output == NoValue {
  /// A function that takes nothing and gives nothing back.
  public init(_ name: String, _ body: @escaping @Sendable () throws -> Void) {
    self.init(name) { (_: NoValue) throws -> NoValue in
      try body()
      return NoValue()
    }
  }

  public init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
    self.init(name) { (_: NoValue) async throws -> NoValue in
      try await body()
      return NoValue()
    }
  }
}

extension RemoteFunction {
  /// A function of several arguments.
  // Disfavored: one of a single argument is to take it bare.
  @_disfavoredOverload
  public init<each Argument>(_ name: String, _ body: @escaping @Sendable (repeat each Argument) throws -> Output)
  where Input == Arguments<repeat each Argument> {
    self.init(name) { (input: Input) throws -> Output in try body(repeat each input.values) }
  }

  @_disfavoredOverload
  public init<each Argument>(_ name: String, _ body: @escaping @Sendable (repeat each Argument) async throws -> Output)
  where Input == Arguments<repeat each Argument> {
    self.init(name) { (input: Input) async throws -> Output in try await body(repeat each input.values) }
  }
}

extension RemoteFunction where Output == NoValue {
  /// A function of several arguments that gives nothing back.
  @_disfavoredOverload
  public init<each Argument>(_ name: String, _ body: @escaping @Sendable (repeat each Argument) throws -> Void)
  where Input == Arguments<repeat each Argument> {
    self.init(name) { (input: Input) throws -> NoValue in
      try body(repeat each input.values)
      return NoValue()
    }
  }

  @_disfavoredOverload
  public init<each Argument>(_ name: String, _ body: @escaping @Sendable (repeat each Argument) async throws -> Void)
  where Input == Arguments<repeat each Argument> {
    self.init(name) { (input: Input) async throws -> NoValue in
      try await body(repeat each input.values)
      return NoValue()
    }
  }
}
