import ArgumentParser
import Configuration

struct MillraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "millrace",
    abstract: "A server for compute jobs: POST a job, poll it, get its result.",
    discussion: """
        millrace serve                                       run the server
        millrace handlers                                    see what can be run
        millrace submit count_primes below=1000000 --wait    run something

      The commands other than serve find the server by --server URL or MILLRACE_SERVER (default: \(ServerAddress.default)). \
      Results go to standard output, everything else to standard error. They end with 0 on success, 1 on any other error, \
      3 if the job failed, 4 if it was cancelled, 5 if the wait ended first, 6 if there is no such job, 7 if it is not \
      allowed, 8 if the server is not reached, 9 if it refuses, 64 if they were called wrongly. NO_COLOR is honoured.
      """,
    version: "millrace \(MillraceVersion.text)",
    subcommands: [
      ServeCommand.self, SubmitCommand.self, GetCommand.self, WaitCommand.self, CancelCommand.self, ListCommand.self,
      ExplainCommand.self, QueuesCommand.self, HandlersCommand.self, SchedulesCommand.self, TokensCommand.self,
    ])
}
