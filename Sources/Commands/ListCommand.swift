import ArgumentParser
import Configuration
import JobModel

struct ListCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List jobs, newest first.",
    discussion: """
        millrace list --state failed --limit 20
        millrace list --handler mandelbrot --json | jq '.jobs[].usage'
      """)
  static let isAboutJobs = false

  @Option(help: "Only jobs in this state: \(JobState.allCases.map(\.rawValue).joined(separator: ", ")).")
  var state: String?

  @Option(help: ArgumentHelp("Only jobs of this handler.", valueName: "name"))
  var handler: String?

  @Option(help: ArgumentHelp("Only jobs of this queue.", valueName: "name"))
  var queue: String?

  @Option(help: ArgumentHelp("At most so many.", valueName: "number"))
  var limit = 50

  @Flag(help: "Print the server's JSON: one page, with its next_cursor.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  /// Jobs asked for at once; more are fetched page by page.
  static let pageLimit = 100

  func validate() throws {
    if let state, JobState(rawValue: state) == nil {
      let states = JobState.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--state: must be one of \(states), not '\(printable(state))'")
    }
    if limit < 1 { throw ValidationError("--limit: must be at least 1, not '\(limit)'") }
  }

  private struct Page: Decodable {
    var jobs: [JobView]
    var nextCursor: String?

    enum CodingKeys: String, CodingKey {
      case jobs
      case nextCursor = "next_cursor"
    }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    if json {
      try session.printJSON(session.client.send(.get(path(limit: limit, cursor: nil))).body)
      return .success
    }
    var jobs: [JobView] = []
    var cursor: String?
    repeat {
      let path = path(limit: min(limit - jobs.count, Self.pageLimit), cursor: cursor)
      let page = try decodeReply(Page.self, session.client.send(.get(path)).body)
      jobs += page.jobs
      // A page that adds nothing cannot be followed by one that does.
      cursor = page.jobs.isEmpty ? nil : page.nextCursor
    } while cursor != nil && jobs.count < limit
    try session.streams.result(Self.table(jobs, session.streams.outputPalette))
    return .success
  }

  func path(limit: Int, cursor: String?) -> String {
    var query = Query()
    for (name, value) in [("state", state), ("handler", handler), ("queue", queue)] {
      if let value { query.append(name, value) }
    }
    query.append("limit", String(limit))
    if let cursor { query.append("cursor", cursor) }
    return "/v1/jobs" + query.text
  }

  static func table(_ jobs: [JobView], _ palette: Palette) -> String {
    var table = TextTable(columns: ["ID", "HANDLER", "STATE", "ATTEMPT", "PROGRESS", "CREATED"])
    for job in jobs {
      let attempt = job.attempt.map { "\($0)" + (job.maxAttempts.map { "/\($0)" } ?? "") } ?? ""
      table.append([job.id, job.handler, job.state, attempt, job.progressText, job.createdAt ?? ""])
    }
    return table.rendered { column, cell in column == "STATE" ? palette.colored(cell, state: cell) : cell }
  }
}
