import ArgumentParser
import Configuration

/// One run of the program: from the words of its command line to its exit status.
struct Run {
  let environment: [String: String]
  let handlerNames: Set<String>
  let streams: StandardStreams

  func status(of arguments: [String], serve: CommandLineTool.Serve) -> Int32 {
    do {
      var command = try MillraceCommand.parseAsRoot(WaitText.joined(arguments))
      switch command {
      case let command as ServeCommand: return start(command, arguments, serve: serve)
      case let command as ConfigCommand.Check: return look(at: command.serve, for: arguments) { _ in }
      case let command as ConfigCommand.Print:
        return look(at: command.serve, for: arguments) { text throws(ClientError) in try streams.result(text.yaml) }
      case let command as any ClientCommand: return run(command).rawValue
      case let command as any TokenCommand: return run(command)
      case is MillraceCommand:
        streams.complain(MillraceCommand.helpMessage() + "\n")
        return ExitStatus.usage.rawValue
      default:
        // `millrace help …`, which ends by throwing its text.
        try command.run()
        return ExitStatus.success.rawValue
      }
    } catch {
      return report(error, arguments)
    }
  }

  private func start(_ command: ServeCommand, _ arguments: [String], serve: CommandLineTool.Serve) -> Int32 {
    let loader = loader(command)
    return load(loader, for: arguments) { serve($0.configuration, loader) }
  }

  /// Reads a configuration as `serve` would, and does no more with it than `show`.
  private func look(
    at command: ServeCommand, for arguments: [String], show: (ConfigurationText) throws(ClientError) -> Void
  ) -> Int32 {
    load(loader(command), for: arguments) { text in
      do throws(ClientError) {
        try show(text)
        return ExitStatus.success.rawValue
      } catch {
        streams.note(error.message)
        return ExitStatus.other.rawValue
      }
    }
  }

  private func loader(_ command: ServeCommand) -> ConfigurationLoader {
    ConfigurationLoader(
      flags: command.flags, path: command.config, environment: environment, handlerNames: handlerNames)
  }

  private func load(_ loader: ConfigurationLoader, for arguments: [String], use: (ConfigurationText) -> Int32) -> Int32
  {
    let text: ConfigurationText
    do { text = try loader.loadWithOrigins() } catch {
      streams.note(error.description + (error.kind == .usage ? hint(arguments) : ""))
      return error.exitStatus
    }
    for name in loader.unknownVariables {
      streams.note("warning: the variable \(printable(name)) is not a setting")
    }
    return use(text)
  }

  private func run(_ command: any ClientCommand) -> ExitStatus {
    let text = command.connection.server ?? environment["MILLRACE_SERVER"] ?? ServerAddress.default
    guard let address = ServerAddress(text) else {
      // The flag was checked when it was parsed.
      streams.note("MILLRACE_SERVER: must be \(ServerAddress.expectation), not '\(printable(text))'")
      return .usage
    }
    do {
      let token = try command.connection.bearerToken(environment: environment)
      let client = try ServerClient(address, token: token, caFile: command.connection.caFile)
      return try command.run(in: ClientSession(client: client, streams: streams))
    } catch {
      streams.note(error.message)
      return error.exitStatus(aboutJob: type(of: command).isAboutJobs)
    }
  }

  /// Help and the version were asked for and go to standard output; all else is a mistake in the command line.
  private func report(_ error: any Error, _ arguments: [String]) -> Int32 {
    if MillraceCommand.exitCode(for: error) == .success {
      do { try streams.result(MillraceCommand.fullMessage(for: error) + "\n") } catch {
        streams.note(error.message)
        return ExitStatus.other.rawValue
      }
      return ExitStatus.success.rawValue
    }
    let message = MillraceCommand.message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
    streams.note(message + hint(arguments))
    return ExitStatus.usage.rawValue
  }

  /// Names the help of the innermost command that was named: `millrace config check --help`.
  private func hint(_ arguments: [String]) -> String {
    var words = ["millrace"]
    var command: any ParsableCommand.Type = MillraceCommand.self
    for word in arguments {
      let next = command.configuration.subcommands.first { $0.configuration.commandName == word }
      guard let next else { break }
      words.append(word)
      command = next
    }
    return " (see '\(words.joined(separator: " ")) --help')"
  }
}
