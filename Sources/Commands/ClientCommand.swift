import ArgumentParser
import Configuration

/// A command that talks to a server.
protocol ClientCommand: ParsableCommand {
  /// A 404 or 410 means that a job of the command line does not exist (any more).
  static var isAboutJobs: Bool { get }
  var connection: ConnectionOptions { get }
  func run(in session: ClientSession) throws(ClientError) -> ExitStatus
}

/// How a client command finds its server.
struct ConnectionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The server: http://HOST:PORT or unix:PATH. (default: $MILLRACE_SERVER, or \(ServerAddress.default))",
      valueName: "url"))
  var server: String?

  @Option(
    help: ArgumentHelp(
      "What to authenticate with; a file or the variable hides it better. (default: $MILLRACE_TOKEN)",
      valueName: "token"))
  var token: String?

  @Option(help: ArgumentHelp("A file that has the token on its only line.", valueName: "file"))
  var tokenFile: String?

  @Option(help: ArgumentHelp("Certificates to trust for https, as PEM, instead of the system's.", valueName: "file"))
  var caFile: String?

  func validate() throws {
    if token != nil, tokenFile != nil { throw ValidationError("--token and --token-file exclude one another") }
    if let server, ServerAddress(server) == nil {
      throw ValidationError("--server: must be \(ServerAddress.expectation), not '\(printable(server))'")
    }
  }
}

extension ConnectionOptions {
  /// `nil`: there is none. What is wrong with one is told without showing it.
  func bearerToken(environment: [String: String]) throws(ClientError) -> String? {
    let (source, text): (String, String)
    if let tokenFile {
      let bytes = try Self.read(tokenFile)
      (source, text) = (tokenFile, String(decoding: bytes, as: UTF8.self).trimmingNewline)
    } else if let token {
      (source, text) = ("--token", token)
    } else if let variable = environment["MILLRACE_TOKEN"], !variable.isEmpty {
      (source, text) = ("MILLRACE_TOKEN", variable)
    } else {
      return nil
    }
    // It goes into a header line.
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw .local("\(printable(source)): is not a token")
    }
    return text
  }

  private static func read(_ path: String) throws(ClientError) -> [UInt8] {
    do { return try FileText.read(path, limitBytes: 4096) } catch {
      throw .local("\(printable(path)): cannot be read: \(error)")
    }
  }
}

extension String {
  fileprivate var trimmingNewline: String { hasSuffix("\r\n") || hasSuffix("\n") ? String(dropLast()) : self }
}

/// A connection to the server, and the streams to answer on.
struct ClientSession {
  let client: ServerClient
  let streams: StandardStreams

  /// Writes the JSON of a reply to standard output, byte for byte, and a newline that separates it from the next.
  func printJSON(_ body: [UInt8]) throws(ClientError) {
    try streams.result(body)
    if body.last != UInt8(ascii: "\n") { try streams.result("\n") }
  }

  /// Writes a job's bare result to standard output as it comes in.
  func printResult(of job: JobView) throws(ClientError) -> ExitStatus {
    if streams.showsToPeople, let type = job.resultType, !Self.isText(type) {
      streams.note("the result is \(printable(type)): redirect standard output to a file to get it")
      return .other
    }
    var request = ServerClient.Request.get("/v1/jobs/\(Query.encoded(job.id))/result")
    request.output = streams.output
    let reply = try client.send(request)
    if streams.showsToPeople, reply.headers["content-type"]?.hasPrefix("application/json") == true {
      try streams.result("\n")
    }
    return .success
  }

  /// Says on standard error how a job ended that did not succeed.
  func explainEnd(of job: JobView) {
    streams.note("job \(printable(job.id)) \(printable(job.endText, limit: 1000))")
  }

  private static func isText(_ type: String) -> Bool {
    type.hasPrefix("text/") || type.hasPrefix("application/json") || type.contains("+json")
  }
}
