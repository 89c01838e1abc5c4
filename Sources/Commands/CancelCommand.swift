import ArgumentParser
import Configuration

struct CancelCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Cancel jobs.",
    discussion: """
      A job that waits never starts, and one that runs is stopped. Prints a line with id and state for each; a job that is \
      still being stopped is 'running' there, and 'millrace wait' tells when it has ended. A job that had ended before is \
      refused (status 9).
      """)
  static let isAboutJobs = true

  @Argument(help: "The jobs' ids.")
  var ids: [String]

  @Flag(help: "Print each job as the server's JSON, one a line.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    var statuses: [ExitStatus] = []
    for id in ids {
      do {
        let reply = try session.client.send(.init(method: "POST", path: "/v1/jobs/\(Query.encoded(id))/cancel"))
        if json {
          try session.printJSON(reply.body)
        } else {
          let job = try JobView.decoded(reply.body)
          try session.streams.result("\(printable(job.id))  \(printable(job.state))\n")
        }
      } catch {
        guard case .refused = error else { throw error }
        session.streams.note("job \(printable(id)): \(error.message)")
        statuses.append(error.exitStatus(aboutJob: true))
      }
    }
    return ExitStatus.gravest(statuses)
  }
}
