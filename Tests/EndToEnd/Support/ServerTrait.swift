import Testing

/// Gives all tests of a suite one server, started before the first and looked after when the last has ended.
struct ServerTrait: SuiteTrait, TestScoping {
  let arguments: [String]

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    let folder = try TestFolder()
    let server = try ServerProcess(arguments, in: folder)
    do {
      try await ServerProcess.$ofSuite.withValue(server) { try await function() }
      try server.terminate()
      try server.checkNothingIsLeft()
      try folder.remove()
    } catch {
      Issue.record("the server's log: \(server.log.suffix(4000))")
      server.killWhatIsLeft()
      try? folder.remove()
      throw error
    }
  }
}

extension Trait where Self == ServerTrait {
  static func server(_ arguments: String...) -> Self { ServerTrait(arguments: arguments) }
}

extension ServerProcess {
  @TaskLocal fileprivate static var ofSuite: ServerProcess?

  /// The server of a suite that has the trait `.server`.
  static var current: ServerProcess {
    guard let server = ofSuite else { preconditionFailure("the suite lacks the trait .server") }
    return server
  }
}
