import ArgumentParser
import Configuration

/// `millrace config`: looks at a configuration without running it.
struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Check a configuration, or print it.",
    discussion: """
      Both take every option of 'serve', and read the file and the environment as it does.

        millrace config check --config millrace.yaml
        MILLRACE_WORKERS=4 millrace config print --max-queued 5000

      Exit status: 0 the server would start with it, 64 a flag is wrong, 66 a named file cannot be read, 78 the file or the \
      environment is wrong.
      """,
    subcommands: [Check.self, Print.self])

  struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "check", abstract: "Say whether the server would start with it: nothing, or what is wrong and where."
    )
    @OptionGroup var serve: ServeCommand
  }

  struct Print: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "print", abstract: "Print it as YAML, each setting with where it came from.")
    @OptionGroup var serve: ServeCommand
  }
}
