import ArgumentParser

struct SchedulesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schedules",
    abstract: "List, make, pause and delete recurring jobs.",
    discussion: """
        millrace schedules
        millrace schedules set nightly --cron '0 3 * * *' --time-zone Europe/Paris count_primes below=1000000
        millrace schedules pause nightly
        millrace schedules resume nightly
        millrace schedules delete nightly
      """,
    subcommands: [
      ListSchedulesCommand.self, GetScheduleCommand.self, SetScheduleCommand.self, PauseScheduleCommand.self,
      ResumeScheduleCommand.self, DeleteScheduleCommand.self,
    ],
    defaultSubcommand: ListSchedulesCommand.self)

  static func path(_ name: String) -> String { "/v1/schedules/\(Query.encoded(name))" }
}

struct ListSchedulesCommand: ClientCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List schedules by name.")
  static let isAboutJobs = false

  @Flag(help: "Print the server's JSON, one page a line.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  private struct Page: Decodable {
    var schedules: [ScheduleView]
    var nextCursor: String?

    enum CodingKeys: String, CodingKey {
      case schedules
      case nextCursor = "next_cursor"
    }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    var schedules: [ScheduleView] = []
    var cursor: String?
    repeat {
      var query = Query()
      query.append("limit", "200")
      if let cursor { query.append("cursor", cursor) }
      let reply = try session.client.send(.get("/v1/schedules" + query.text))
      if json { try session.printJSON(reply.body) }
      let page = try decodeReply(Page.self, reply.body)
      schedules += page.schedules
      cursor = page.schedules.isEmpty ? nil : page.nextCursor
    } while cursor != nil
    if !json { try session.streams.result(Self.table(schedules)) }
    return .success
  }

  static func table(_ schedules: [ScheduleView]) -> String {
    var table = TextTable(columns: ["NAME", "CRON", "TIME ZONE", "HANDLER", "NEXT RUN", "LAST RUN", "LAST ERROR"])
    for schedule in schedules {
      table.append([
        schedule.name, schedule.cron, schedule.timeZone, schedule.job.handler,
        schedule.paused ? "paused" : schedule.nextRunAt ?? "", schedule.lastRunAt ?? "", schedule.lastError ?? "",
      ])
    }
    return table.rendered()
  }
}

struct GetScheduleCommand: ClientCommand {
  static let configuration = CommandConfiguration(commandName: "get", abstract: "Show a schedule as JSON.")
  static let isAboutJobs = false

  @Argument(help: "The schedule's name.")
  var name: String

  @OptionGroup var connection: ConnectionOptions

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    try session.printJSON(session.client.send(.get(SchedulesCommand.path(name))).body)
    return .success
  }
}

struct DeleteScheduleCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Delete a schedule. The jobs that it made stay.")
  static let isAboutJobs = false

  @Argument(help: "The schedule's name.")
  var name: String

  @OptionGroup var connection: ConnectionOptions

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    _ = try session.client.send(.init(method: "DELETE", path: SchedulesCommand.path(name)))
    return .success
  }
}

/// What the tables show of a schedule.
struct ScheduleView: Decodable {
  struct Job: Decodable {
    var handler: String
  }
  var name: String
  var cron: String
  var timeZone: String
  var job: Job
  var paused: Bool
  var nextRunAt: String?
  var lastRunAt: String?
  var lastError: String?

  enum CodingKeys: String, CodingKey {
    case name, cron, job, paused
    case timeZone = "time_zone"
    case nextRunAt = "next_run_at"
    case lastRunAt = "last_run_at"
    case lastError = "last_error"
  }
}
