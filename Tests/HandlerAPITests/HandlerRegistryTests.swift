import HandlerAPI
import JobModel
import Testing

/// A handler whose name and constraints are of no matter to its input.
private protocol Plain: Handler where Input == PlainInput, Output == Int {}
private struct PlainInput: Decodable, Sendable { var n: Int }
extension Plain {
  func run(_ input: PlainInput, _ context: JobContext) async throws -> Int { input.n }
}
private struct Beta: Plain { static let name = "beta" }
private struct Alpha: Plain {
  static let name = "alpha"
  static let executor = Executor.thread
  static let timeout: Duration? = .seconds(1)
  static let maxAttempts = 2
}
private struct AnotherBeta: Plain { static let name = "beta" }
private struct Capital: Plain { static let name = "Beta" }
private struct Nameless: Plain { static let name = "" }
private struct Long: Plain { static let name = String(repeating: "a", count: 65) }
private struct NoAttempts: Plain {
  static let name = "no_attempts"
  static let maxAttempts = 0
}
private struct NoTime: Plain {
  static let name = "no_time"
  static let timeout: Duration? = .zero
}
private struct WrongField: Plain {
  static let name = "wrong_field"
  static let constraints: [InputConstraint] = [.integer("m", 0...1)]
}
private struct WrongItems: Plain {
  static let name = "wrong_items"
  static let constraints: [InputConstraint] = [.integer("n[]", 0...1)]
}
private struct WrongRule: Plain {
  static let name = "wrong_rule"
  static let constraints: [InputConstraint] = [.string("n", maxLength: 1)]
}
private struct Unprobeable: Handler {
  enum Kind: String, Decodable, Sendable { case one }
  struct Box: Decodable, Sendable { var kinds: [Kind] }
  struct Input: Decodable, Sendable { var box: Box }
  static let name = "unprobeable"
  func run(_ input: Input, _ context: JobContext) async throws -> Int { 0 }
}
private struct Endless: Handler {
  struct Tree: Decodable, Sendable { var children: [Tree] }
  static let name = "endless"
  func run(_ input: Tree, _ context: JobContext) async throws -> Int { 0 }
}
private struct NestedRaw: Handler {
  struct Input: Decodable, Sendable { var body: RawBody }
  static let name = "nested_raw"
  func run(_ input: Input, _ context: JobContext) async throws -> Int { 0 }
}
private struct ArgumentsWithoutBody: Plain {
  static let name = "arguments_without_body"
  static let argumentsBesideBody: (any (Decodable & Sendable).Type)? = PlainInput.self
}
private struct EmptyRange: Handler {
  struct Input: Decodable, Sendable { var small: Int8 }
  static let name = "empty_range"
  static let constraints: [InputConstraint] = [.integer("small", 1000...2000)]
  func run(_ input: Input, _ context: JobContext) async throws -> Int { 0 }
}

@Suite("The registry of handlers")
struct HandlerRegistryTests {
  private let settings: [String: HandlerSettings] = [
    "alpha": HandlerSettings(executor: .process, memoryLimitBytes: 1 << 20),
    "beta": HandlerSettings(timeout: .seconds(9), maxAttempts: 7),
  ]

  @Test("handlers are found by name, and listed in its order")
  func lookup() throws {
    let registry = try HandlerRegistry([Beta.self, Greet.self, Alpha.self])
    #expect(registry.names == ["alpha", "beta", "greet"])
    #expect(registry.map(\.name) == ["alpha", "beta", "greet"])
    #expect(registry["beta"]?.name == "beta")
    #expect(registry["gamma"] == nil)
    #expect(registry.count == 3)
  }

  @Test("settings override a handler's own word, one by one")
  func overrides() throws {
    let registry = try HandlerRegistry([Beta.self, Alpha.self], settings: settings)
    let alpha = try #require(registry["alpha"])
    #expect(alpha.executor == .process)
    #expect(alpha.timeout == .seconds(1))
    #expect(alpha.maxAttempts == 2)
    #expect(alpha.memoryLimitBytes == 1 << 20)
    let beta = try #require(registry["beta"])
    #expect(beta.executor == .process)
    #expect(beta.timeout == .seconds(9))
    #expect(beta.maxAttempts == 7)
    #expect(beta.memoryLimitBytes == nil)
  }

  @Test("settings for a handler that is not there, and settings that cannot be, are refused")
  func badSettings() {
    func error(_ settings: [String: HandlerSettings]) -> String? {
      do throws(HandlerRegistrationError) {
        _ = try HandlerRegistry([Beta.self], settings: settings)
        return nil
      } catch {
        return error.description
      }
    }
    #expect(error(["bta": HandlerSettings()]) == "there are settings for the handler \"bta\", which does not exist")
    #expect(error(["beta": HandlerSettings(maxAttempts: 0)]) == "handler \"beta\": max_attempts must be at least 1")
    #expect(error(["beta": HandlerSettings(timeout: .zero)])?.contains("timeout") == true)
    #expect(error(["beta": HandlerSettings(memoryLimitBytes: 0)])?.contains("memory_limit") == true)
    #expect(error(["beta": HandlerSettings()]) == nil)
  }

  @Test("what is wrong with a handler is told with its name and field")
  func refusals() {
    #expect(registrationError(Beta.self, AnotherBeta.self) == "two handlers have the name \"beta\"")
    for (type, name) in [(Capital.self as any Handler.Type, "Beta"), (Nameless.self, ""), (Long.self, Long.name)] {
      #expect(
        registrationError(type)
          == "\"\(name)\" is no name for a handler: it has lower-case letters, digits and _, from 1 to 64 of them")
    }
    #expect(registrationError(NoAttempts.self) == "handler \"no_attempts\": maxAttempts must be at least 1")
    #expect(registrationError(NoTime.self) == "handler \"no_time\": the timeout must be longer than nothing")
    #expect(
      registrationError(WrongField.self)
        == "handler \"wrong_field\": the constraint on \"m\" names no field of the input")
    #expect(
      registrationError(WrongItems.self)
        == "handler \"wrong_items\": the constraint on \"n[]\" names no field of the input")
    #expect(
      registrationError(WrongRule.self)
        == "handler \"wrong_rule\": the constraint on \"n\" is for a string, but the field is an integer")
    #expect(
      registrationError(EmptyRange.self)
        == "handler \"empty_range\": the constraint on \"small\" leaves no value that its type can hold")
    #expect(
      registrationError(ArgumentsWithoutBody.self) == "handler \"arguments_without_body\": "
        + "only a handler whose Input is RawBody has arguments instead of or beside it")
  }

  @Test("an input that cannot be looked into is told with its field")
  func unprobeable() throws {
    let message = try #require(registrationError(Unprobeable.self))
    #expect(
      message.hasPrefix("handler \"unprobeable\": the field \"box.kinds[]\" is of type Kind, whose init(from:) refuses")
    )
    #expect(registrationError(Endless.self)?.contains("is of type Tree, which contains itself") == true)
    #expect(registrationError(NestedRaw.self)?.contains("the field \"body\" is of type RawBody") == true)
  }

  @Test("a handler that is no Swift type takes a body or any arguments")
  func external() async throws {
    let external = try AnyHandler(AnyHandler.Properties(name: "external")) {
      AnyHandlerInstance { _, _ in .success(mediaType: "text/plain", bytes: []) }
    }
    let registry = try HandlerRegistry(handlers: [external, AnyHandler(Beta.self)])
    #expect(registry.names == ["beta", "external"])
    #expect(try external.check("[1]") == [])
    #expect(try external.check("{}", hasBody: true) == [])
    #expect(try await external.run("{}") == .success(mediaType: "text/plain", bytes: []))
  }
}
