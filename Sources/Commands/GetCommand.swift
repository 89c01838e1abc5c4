import ArgumentParser
import Configuration

struct GetCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show a job, its result or its log.",
    discussion: """
      Without a flag it shows the job and ends with status 0, whatever became of the job. With --result it writes the bare \
      result, byte for byte, and ends with 3 if the job failed, 4 if it was cancelled, and 5 if it has not ended.

        millrace get 019a1b2c-…
        millrace get 019a1b2c-… --result > picture.png
        millrace get 019a1b2c-… --json | jq .usage
      """)
  static let isAboutJobs = true

  @Argument(help: "The job's id.")
  var id: String

  @Flag(help: "Write the result.")
  var result = false

  @Flag(help: "Write what the handler printed.")
  var log = false

  @Flag(help: "Print the job as the server's JSON.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    if [result, log, json].count(where: { $0 }) > 1 {
      throw ValidationError("--result, --log and --json exclude one another")
    }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let path = "/v1/jobs/\(Query.encoded(id))"
    if log {
      var request = ServerClient.Request.get(path + "/log")
      request.output = session.streams.output
      _ = try session.client.send(request)
      return .success
    }
    let reply = try session.client.send(.get(path))
    if json {
      try session.printJSON(reply.body)
      return .success
    }
    let job = try JobView.decoded(reply.body)
    if result {
      guard job.exitStatus == .success else {
        session.explainEnd(of: job)
        return job.exitStatus
      }
      return try session.printResult(of: job)
    }
    try session.streams.result(Self.description(of: job, session.streams.outputPalette))
    return .success
  }

  /// Names and values in two columns.
  static func description(of job: JobView, _ palette: Palette) -> String {
    let fields = job.fields
    let width = fields.map(\.0.count).max() ?? 0
    return fields.map { name, value in
      let shown = printable(value, limit: 1000)
      let padding = String(repeating: " ", count: width - name.count + 2)
      return name + padding + (name == "state" ? palette.colored(shown, state: value) : shown) + "\n"
    }.joined()
  }
}
