import ArgumentParser

struct TokensCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokens",
    abstract: "Make, list and revoke the tokens of a server.",
    discussion: """
      Clients on TCP need a token as soon as the server listens where other machines reach it, or was started with \
      --require-tokens. A token has scopes: submit (submit and run jobs), read (see everything), operate (cancel, retry, \
      delete, pause). It is sent as 'Authorization: Bearer …'; the client commands take it from MILLRACE_TOKEN.

      These commands open the store itself, on the server's machine and as its user; the server may run meanwhile, and \
      knows of a change when the command ends.
      """,
    subcommands: [TokensCreateCommand.self, TokensListCommand.self, TokensRevokeCommand.self])
}

/// Where the tokens are: the store of the server, found as `serve` finds it.
struct StoreOptions: ParsableArguments, Sendable {
  @Option(help: ArgumentHelp("The server's store. (default: what serve would use)", valueName: "path"))
  var store: String?

  @Option(help: ArgumentHelp("The server's YAML file. (default: $MILLRACE_CONFIG, or none)", valueName: "file"))
  var config: String?
}
