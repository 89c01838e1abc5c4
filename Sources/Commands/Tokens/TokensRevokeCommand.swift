import ArgumentParser
import Configuration
import JobStore

struct TokensRevokeCommand: TokenCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "Make tokens worthless.",
    discussion: "Takes their ids, as create and list show them. When it ends, the server refuses them.")
  static let makesStore = false

  @Argument(help: "The tokens' ids.")
  var ids: [String]

  @OptionGroup var place: StoreOptions

  func run(_ tokens: any TokenStore) async throws -> TokenChange {
    var change = TokenChange(status: .success)
    for id in ids {
      if try await tokens.revokeToken(id: id) {
        change.note = "revoked"
      } else {
        change.complaints.append("there is no token \(printable(id))")
        change.status = .other
      }
    }
    return change
  }
}
