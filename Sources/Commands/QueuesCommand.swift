import ArgumentParser
import Configuration

struct QueuesCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "queues",
    abstract: "List the queues, or pause and resume one.",
    discussion: """
      No job of a paused queue starts until it is resumed; those that run go on. It stays paused when the server is \
      restarted.

        millrace queues
        millrace queues pause reports
        millrace queues resume reports
      """)
  static let isAboutJobs = false

  enum Action: String, ExpressibleByArgument, CaseIterable {
    case pause, resume
  }

  @Argument(help: "pause or resume.")
  var action: Action?

  @Argument(help: "The queue.")
  var name: String?

  @Flag(help: "Print the server's JSON as it is.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    if let action, name == nil { throw ValidationError("\(action.rawValue): which queue?") }
  }

  struct Queue: Decodable {
    var name: String
    var paused: Bool
    var depth: Int
    var scheduled: Int
    var running: Int
    var oldestWaitingMilliseconds: Double?

    enum CodingKeys: String, CodingKey {
      case name, paused, depth, scheduled, running
      case oldestWaitingMilliseconds = "oldest_waiting_ms"
    }
  }
  private struct List: Decodable {
    var queues: [Queue]
    var nextCursor: String?

    enum CodingKeys: String, CodingKey {
      case queues
      case nextCursor = "next_cursor"
    }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    guard let action, let name else { return try list(in: session) }
    let path = "/v1/queues/\(Query.encoded(name))/\(action.rawValue)"
    let reply = try session.client.send(.init(method: "POST", path: path))
    if json {
      try session.printJSON(reply.body)
    } else {
      try session.streams.result(Self.table([decodeReply(Queue.self, reply.body)]))
    }
    return .success
  }

  private func list(in session: ClientSession) throws(ClientError) -> ExitStatus {
    if json {
      try session.printJSON(session.client.send(.get("/v1/queues")).body)
      return .success
    }
    var queues: [Queue] = []
    var cursor: String?
    repeat {
      var query = Query()
      if let cursor { query.append("cursor", cursor) }
      let page = try decodeReply(List.self, session.client.send(.get("/v1/queues" + query.text)).body)
      queues += page.queues
      // A page that adds nothing cannot be followed by one that does.
      cursor = page.queues.isEmpty ? nil : page.nextCursor
    } while cursor != nil
    try session.streams.result(Self.table(queues))
    return .success
  }

  static func table(_ queues: [Queue]) -> String {
    var table = TextTable(columns: ["NAME", "STATE", "WAITING", "SCHEDULED", "RUNNING", "OLDEST"])
    for queue in queues {
      let oldest = queue.oldestWaitingMilliseconds.map { "\(Int($0 / 1000)) s" } ?? ""
      table.append([
        queue.name, queue.paused ? "paused" : "open", "\(queue.depth)", "\(queue.scheduled)", "\(queue.running)",
        oldest,
      ])
    }
    return table.rendered()
  }
}
