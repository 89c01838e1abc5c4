import ArgumentParser
import Configuration
import StrictJSON

struct PauseScheduleCommand: ClientCommand {
  static let configuration = CommandConfiguration(commandName: "pause", abstract: "Pause a schedule.")
  static let isAboutJobs = false

  @Argument(help: "The schedule's name.")
  var name: String

  @OptionGroup var connection: ConnectionOptions

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    try ScheduleChange(name: name, isPaused: true).make(in: session)
  }
}

struct ResumeScheduleCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "resume", abstract: "Resume a schedule. What was due while it was paused is not made up for.")
  static let isAboutJobs = false

  @Argument(help: "The schedule's name.")
  var name: String

  @OptionGroup var connection: ConnectionOptions

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    try ScheduleChange(name: name, isPaused: false).make(in: session)
  }
}

/// Writes a schedule back with another `paused`, and everything else as the server gave it, byte for byte.
struct ScheduleChange {
  let name: String
  let isPaused: Bool

  /// A schedule changes with each of its runs, so that one may come between the two requests; hardly as many.
  private static let attempts = 5

  func make(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let path = SchedulesCommand.path(name)
    for attempt in 1...Self.attempts {
      let reply = try session.client.send(.get(path))
      var request = ServerClient.Request(method: "PUT", path: path, body: .json(try document(reply.body)))
      request.headers = reply.headers["etag"].map { ["If-Match: \($0)"] } ?? []
      do {
        let schedule = try decodeReply(ScheduleView.self, session.client.send(request).body)
        try session.streams.result("\(printable(schedule.name))  \(printable(schedule.nextRunAt ?? "paused"))\n")
        return .success
      } catch {
        guard case .refused(let problem) = error, problem.status == 412, attempt < Self.attempts else { throw error }
      }
    }
    preconditionFailure("the last attempt ends in success or an error")
  }

  private func document(_ schedule: [UInt8]) throws(ClientError) -> [UInt8] {
    let root: JSONNode
    do throws(JSONSyntaxError) {
      root = try JSONDocument.parse(schedule).root
    } catch {
      throw .unexpected("the server's answer is not JSON; is it Millrace?")
    }
    var members: [(name: String, json: String)] = []
    for name in ["cron", "time_zone", "missed", "job"] {
      guard let value = root[name] else { throw .unexpected("the server's schedule has no '\(name)'") }
      members.append((name, String(decoding: value.rawSlice, as: UTF8.self)))
    }
    members.append(("paused", isPaused ? "true" : "false"))
    return Array(JSONText.object(members).utf8)
  }
}
