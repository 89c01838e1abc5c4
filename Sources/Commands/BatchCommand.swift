import ArgumentParser
import Configuration

struct BatchCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "batch",
    abstract: "Run one handler over many inputs.",
    discussion: """
      The file has one input a line, each of them JSON (NDJSON). They are submitted together: all of them are safely stored, or \
      none is. Their results are printed as they come, a line of JSON each, and the command ends with 0 if all succeeded, 3 \
      if some failed, 4 if some were cancelled. With --detach it prints the batch's id instead and ends at once.

        millrace batch count_primes inputs.ndjson > results.ndjson
        seq 1 1000 | sed 's/.*/{"below": &0}/' | millrace batch count_primes - --chunk-size 50
      """)
  static let isAboutJobs = false

  @Argument(help: "What to run; 'millrace handlers' lists them.")
  var handler: String

  @Argument(help: "The file of inputs; '-' is standard input.")
  var file: String

  @Option(help: ArgumentHelp("Inputs that a worker is given at once, from 1 to 1000.", valueName: "number"))
  var chunkSize: Int?

  @OptionGroup var order: ResultOrder

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp("An option of all its jobs, such as timeout=30s or priority=5.", valueName: "name=value"))
  var option: [String] = []

  @Flag(help: "Print the batch's id and do not wait.")
  var detach = false

  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    if let chunkSize, !(1...1000).contains(chunkSize) {
      throw ValidationError("--chunk-size: must be from 1 to 1000, not '\(chunkSize)'")
    }
    for text in option where !(text.firstIndex(of: "=").map { $0 > text.startIndex } ?? false) {
      throw ValidationError("--option: must be name=value, not '\(printable(text))'")
    }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let input = try InputFile(file, flag: "the file of inputs")
    let request = ServerClient.Request(
      method: "POST", path: "/v1/batches" + query, body: input.body(mediaType: "application/x-ndjson"))
    let reply = try withExtendedLifetime(input) { () throws(ClientError) in try session.client.send(request) }
    let batch = try BatchView.decoded(reply.body)
    if detach {
      try session.streams.result(batch.id + "\n")
      return .success
    }
    Interruption.tell("the batch goes on: millrace results \(printable(batch.id))")
    return try session.follow(batch, order, after: nil)
  }

  private var query: String {
    var query = Query()
    query.append("handler", handler)
    if let chunkSize { query.append("chunk_size", "\(chunkSize)") }
    for text in option {
      guard let equals = text.firstIndex(of: "=") else { continue }
      query.append(String(text[..<equals]), String(text[text.index(after: equals)...]))
    }
    return query.text
  }
}

struct ResultsCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "results",
    abstract: "Print the results of a batch as they come.",
    discussion: """
      A line of JSON for each job that has ended, until all have. --after goes on behind a line that came before, by its \
      'cursor', in the same order. It ends as 'millrace batch' does.
      """)
  static let isAboutJobs = true

  @Argument(help: "The batch's id.")
  var id: String

  @OptionGroup var order: ResultOrder

  @Option(help: ArgumentHelp("The cursor of the last line that is known.", valueName: "cursor"))
  var after: Int?

  @OptionGroup var connection: ConnectionOptions

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let reply = try session.client.send(.get("/v1/batches/\(Query.encoded(id))"))
    Interruption.tell("the batch goes on: millrace results \(printable(id))")
    return try session.follow(try BatchView.decoded(reply.body), order, after: after)
  }
}

/// The order in which results are printed.
struct ResultOrder: ParsableArguments {
  enum Order: String, ExpressibleByArgument, CaseIterable {
    case completed, submitted
  }

  @Option(help: ArgumentHelp("completed, as each ends (the default), or submitted, as the inputs came."))
  var order = Order.completed
}

extension ClientSession {
  /// Prints a batch's results to its end, and says what came of it.
  fileprivate func follow(_ batch: BatchView, _ order: ResultOrder, after cursor: Int?) throws(ClientError)
    -> ExitStatus
  {
    let ended = try BatchFollower(batch, self, order: order.order.rawValue, after: cursor).follow()
    if ended.exitStatus != .success { streams.note("batch \(printable(ended.id)): \(printable(ended.endText))") }
    return ended.exitStatus
  }
}
