import ArgumentParser
import JobModel
import JobStore

struct TokensListCommand: TokenCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Show the tokens: ids, scopes and times, never the tokens themselves.")
  static let makesStore = false

  @OptionGroup var place: StoreOptions

  func run(_ tokens: any TokenStore) async throws -> TokenChange {
    let now = Timestamp.now
    var table = TextTable(columns: ["ID", "SCOPES", "CREATED", "EXPIRES", "NAME"])
    for token in try await tokens.tokens() {
      let scopes = TokenScope.allCases.filter(token.scopes.contains).map(\.rawValue)
      let expiry = token.expiresAt.map { RFC3339.text($0) + (token.holds(at: now) ? "" : " (over)") }
      table.append([
        token.id, scopes.joined(separator: ","), RFC3339.text(token.createdAt), expiry ?? "", token.name ?? "",
      ])
    }
    return TokenChange(status: .success, output: table.rendered())
  }
}
