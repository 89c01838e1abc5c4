import ArgumentParser
import Configuration
import JobModel
import JobStore

struct TokensCreateCommand: TokenCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a token, and print it: this once, because the server keeps only its hash.",
    discussion: """
        millrace tokens create --scope submit --scope read --name nightly --expires 90d
        MILLRACE_TOKEN=$(millrace tokens create --scope read) millrace list
      """)
  static let makesStore = true
  static let nameLimit = 100

  @Option(help: ArgumentHelp("submit, read or operate; repeatable.", valueName: "scope"))
  var scope: [String]

  @Option(help: ArgumentHelp("Whom or what it is for, to know it by in the list.", valueName: "text"))
  var name: String?

  @Option(help: ArgumentHelp("How long it holds. (default: until it is revoked)", valueName: "duration"))
  var expires: String?

  @OptionGroup var place: StoreOptions

  func validate() throws {
    for text in scope where TokenScope(rawValue: text) == nil {
      throw ValidationError("--scope: must be submit, read or operate, not '\(printable(text))'")
    }
    if let name, name.isEmpty || name.count > Self.nameLimit {
      throw ValidationError("--name: must have 1 to \(Self.nameLimit) characters")
    }
    if let expires, (DurationText.duration(expires) ?? .zero) <= .zero {
      throw ValidationError("--expires: must be \(DurationText.expectation), not '\(printable(expires))'")
    }
  }

  func run(_ tokens: any TokenStore) async throws -> TokenChange {
    let secret = TokenSecret()
    let now = Timestamp.now
    let token = AccessToken(
      hash: secret.hash, scopes: Set(scope.compactMap { TokenScope(rawValue: $0) }), name: name, createdAt: now,
      expiresAt: expires.flatMap { DurationText.duration($0) }.map { now.advanced(by: $0) })
    try await tokens.addToken(token)
    return TokenChange(status: .success, output: secret.text + "\n", note: "token \(token.id) was made")
  }
}
