import ArgumentParser
import Configuration

struct ExplainCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say why a job is where it is: its place in line, what it waits for, when it may start.",
    discussion: """
        millrace explain 019a1b2c-…
      """)
  static let isAboutJobs = true

  @Argument(help: "The job's id.")
  var id: String

  @Flag(help: "Print the server's JSON as it is.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  struct Explanation: Decodable {
    var state: String
    var reason: String
    var position: Int?
    var detail: String?
    var estimatedStartAt: String?

    enum CodingKeys: String, CodingKey {
      case state, reason, position, detail
      case estimatedStartAt = "estimated_start_at"
    }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let reply = try session.client.send(.get("/v1/jobs/\(Query.encoded(id))/explain"))
    if json {
      try session.printJSON(reply.body)
    } else {
      try session.streams.result(Self.text(decodeReply(Explanation.self, reply.body)))
    }
    return .success
  }

  static func text(_ explanation: Explanation) -> String {
    var lines = ["\(printable(explanation.state)): \(printable(explanation.detail ?? explanation.reason, limit: 1000))"]
    if let position = explanation.position { lines.append("place in line: \(position)") }
    if let time = explanation.estimatedStartAt { lines.append("may start at about \(printable(time))") }
    return lines.map { $0 + "\n" }.joined()
  }
}
