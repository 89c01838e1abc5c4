import ArgumentParser
import Configuration
import JobModel

struct SetScheduleCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Make a schedule, or replace the one of that name.",
    discussion: """
      The job is a handler and its arguments, as for 'millrace submit', or with --job the whole of a submit's JSON body. \
      Prints the schedule's name and when it runs next.

        millrace schedules set nightly --cron '0 3 * * *' --time-zone Europe/Paris count_primes below=1000000
        millrace schedules set hourly --cron @hourly --job '{"handler": "noop", "callback_url": "https://example.org/"}'
      """)
  static let isAboutJobs = false

  @Argument(help: "The schedule's name.")
  var name: String

  @Argument(help: "What to run; 'millrace handlers' lists them.")
  var handler: String?

  @Argument(help: ArgumentHelp("The job's arguments: one JSON value, or name=value.", valueName: "argument"))
  var arguments: [String] = []

  @Option(
    help: ArgumentHelp(
      "Minute, hour, day of the month, month, day of the week; or @hourly, @daily and the like.",
      valueName: "expression"))
  var cron: String

  @Option(help: ArgumentHelp("Such as Europe/Paris. (default: UTC)", valueName: "name"))
  var timeZone: String?

  @Option(
    help: ArgumentHelp("What becomes of runs that were missed: skip or once. (default: skip)", valueName: "policy"))
  var missed: String?

  @Flag(help: "Make it paused.")
  var paused = false

  @Option(help: ArgumentHelp("The job as a submit's JSON body, instead of a handler.", valueName: "json"))
  var job: String?

  @Flag(help: "Print the schedule as the server's JSON.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    if let missed, MissedRuns(rawValue: missed) == nil {
      throw ValidationError("--missed: must be skip or once, not '\(printable(missed))'")
    }
    if (handler == nil) == (job == nil) { throw ValidationError("name either a handler or --job") }
    if let job, !JSONText.isObject(job) {
      throw ValidationError("--job: must be a JSON object, not '\(printable(job))'")
    }
    _ = try document()
  }

  private func document() throws -> [UInt8] {
    var members = [(name: "cron", json: JSONText.quoted(cron))]
    if let timeZone { members.append(("time_zone", JSONText.quoted(timeZone))) }
    if let missed { members.append(("missed", JSONText.quoted(missed))) }
    if paused { members.append(("paused", "true")) }
    members.append(("job", try jobText()))
    return Array(JSONText.object(members).utf8)
  }

  private func jobText() throws -> String {
    if let job { return job }
    do {
      let submission = Submission(handler: handler ?? "", arguments: try SubmitArguments(words: arguments))
      return String(decoding: submission.document, as: UTF8.self)
    } catch { throw ValidationError(printable(error.message, limit: 200)) }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let document: [UInt8]
    do { document = try self.document() } catch { throw .local("\(error)") }
    let request = ServerClient.Request(method: "PUT", path: SchedulesCommand.path(name), body: .json(document))
    let reply = try session.client.send(request)
    if json {
      try session.printJSON(reply.body)
    } else {
      let schedule = try decodeReply(ScheduleView.self, reply.body)
      try session.streams.result("\(printable(schedule.name))  \(printable(schedule.nextRunAt ?? "paused"))\n")
    }
    return .success
  }
}
