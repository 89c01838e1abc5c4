import ArgumentParser
import Configuration

struct WaitCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Wait until jobs have ended.",
    discussion: """
      Prints a line with id and state for each job as its turn comes, in the order given; on a terminal it shows progress \
      meanwhile. Ends with 0 if all succeeded, 3 if one failed, 4 if one was cancelled, 5 if the time was over first. A \
      server that restarts meanwhile is waited for.

        millrace wait 019a1b2c-… 019a1b2d-… --timeout 10m
      """)
  static let isAboutJobs = true

  @Argument(help: "The jobs' ids.")
  var ids: [String]

  @Option(help: ArgumentHelp("Wait at most so long, for all of them together: seconds, or 5m.", valueName: "duration"))
  var timeout: String?

  @Flag(help: "Print each job as the server's JSON, one a line.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    if let timeout, WaitText.limit(timeout) == nil {
      throw ValidationError("--timeout: must be seconds, or a duration such as 5m, not '\(printable(timeout))'")
    }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    Interruption.tellThatJobsGoOn(ids.map { printable($0) })
    let limit = timeout.flatMap(WaitText.limit)
    let deadline: ContinuousClock.Instant? =
      if case .atMost(let duration) = limit { ContinuousClock().now.advanced(by: duration) } else { nil }
    let waiter = JobWaiter(client: session.client, streams: session.streams)
    var statuses: [ExitStatus] = []
    for id in ids {
      do {
        let ended = try waiter.wait(for: id, until: deadline, wasReached: !statuses.isEmpty)
        try report(ended.job, ended.body, session)
        statuses.append(ended.job.exitStatus)
      } catch {
        // One job that is not there is no reason to forget the others; a server that is not there is.
        guard case .refused = error else { throw error }
        session.streams.note("job \(printable(id)): \(error.message)")
        statuses.append(error.exitStatus(aboutJob: true))
      }
    }
    return ExitStatus.gravest(statuses)
  }

  private func report(_ job: JobView, _ body: [UInt8], _ session: ClientSession) throws(ClientError) {
    if json {
      try session.printJSON(body)
    } else {
      let state = session.streams.outputPalette.colored(printable(job.state), state: job.state)
      try session.streams.result("\(printable(job.id))  \(state)\n")
    }
    if job.error != nil, job.done { session.explainEnd(of: job) }
  }
}
