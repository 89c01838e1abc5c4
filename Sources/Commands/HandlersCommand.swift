import ArgumentParser
import Configuration
import Foundation

struct HandlersCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "handlers",
    abstract: "List what can be run, or show one handler with the schema of its input.",
    discussion: """
        millrace handlers
        millrace handlers mandelbrot
      """)
  static let isAboutJobs = false

  @Argument(help: "Show this one, as JSON.")
  var name: String?

  @Flag(help: "Print the server's JSON as it is.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  private struct List: Decodable {
    var handlers: [Item]
  }
  struct Item: Decodable {
    var name: String
    var executor: String?
    var summary: String?
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let reply = try session.client.send(.get("/v1/handlers" + (name.map { "/" + Query.encoded($0) } ?? "")))
    if json {
      try session.printJSON(reply.body)
    } else if name != nil {
      try session.streams.result(Self.indented(reply.body))
    } else {
      try session.streams.result(Self.table(decodeReply(List.self, reply.body).handlers))
    }
    return .success
  }

  static func table(_ handlers: [Item]) -> String {
    var table = TextTable(columns: ["NAME", "EXECUTOR", "SUMMARY"])
    for handler in handlers { table.append([handler.name, handler.executor ?? "", handler.summary ?? ""]) }
    return table.rendered()
  }

  /// The same JSON over several lines, its names in order.
  static func indented(_ body: [UInt8]) throws(ClientError) -> String {
    do {
      let value = try JSONSerialization.jsonObject(with: Data(body), options: .fragmentsAllowed)
      let options: JSONSerialization.WritingOptions = [
        .prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed,
      ]
      return String(decoding: try JSONSerialization.data(withJSONObject: value, options: options), as: UTF8.self) + "\n"
    } catch { throw .unexpected("the server's answer is not JSON; is it Millrace?") }
  }
}
