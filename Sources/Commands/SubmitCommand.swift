import ArgumentParser
import Configuration
import Glibc
import JobModel

struct SubmitCommand: ClientCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit",
    abstract: "Submit a job.",
    discussion: """
      Prints the job's id once the job is safely stored. With --wait it prints the job's result instead, byte for byte, \
      and ends with a status that tells how the job ended: 0 succeeded, 3 failed, 4 cancelled, 5 the wait ended first.

      The arguments are one JSON value, or name=value words. A value that is JSON is taken as such (below=1000, \
      flag=true), any other is a string; to send the string "5", write name='"5"'.

        millrace submit count_primes below=1000000 --wait
        millrace submit mandelbrot '{"width": 1920}' --wait 60 > picture.png
        millrace submit word_count --body novel.txt --wait
        tar c . | millrace submit sha256 --body - --timeout 10m
        millrace submit sleep seconds=1 --delay 1h --metadata '{"for": "tea"}'
      """)

  static let isAboutJobs = false

  @Argument(help: "What to run; 'millrace handlers' lists them.")
  var handler: String

  @Argument(help: ArgumentHelp("The job's arguments: one JSON value, or name=value.", valueName: "argument"))
  var arguments: [String] = []

  @Option(help: ArgumentHelp("Send this file ('-': standard input) as the job's input.", valueName: "file"))
  var body: String?

  @Option(
    help: ArgumentHelp("The media type of the body. (default: application/octet-stream)", valueName: "media-type"))
  var type: String?

  @Option(
    defaultAsFlag: WaitText.untilTheEnd,
    help: ArgumentHelp("Wait for the end, at most so many seconds, and print the result.", valueName: "seconds"))
  var wait: String?

  @Option(help: ArgumentHelp("The wall time the job may take, such as 30s.", valueName: "duration"))
  var timeout: String?

  @Option(parsing: .unconditional, help: ArgumentHelp("From -100 to 100; higher goes first.", valueName: "number"))
  var priority: Int?

  @Option(help: ArgumentHelp("Start it so much later, such as 10m.", valueName: "duration"))
  var delay: String?

  @Option(help: ArgumentHelp("Start it at this time, such as 2026-01-01T00:00:00Z.", valueName: "time"))
  var runAt: String?

  @Option(help: ArgumentHelp("How often it is tried.", valueName: "number"))
  var maxAttempts: Int?

  @Option(help: ArgumentHelp("The queue it waits in. (default: default)", valueName: "name"))
  var queue: String?

  @Option(help: ArgumentHelp("Of the jobs with one key only so many run at once.", valueName: "text"))
  var key: String?

  @Option(
    help: ArgumentHelp("While a job with it has not ended, none is made and that one is told.", valueName: "text"))
  var uniqueKey: String?

  @Option(
    help: ArgumentHelp("However often it is sent with this key, one job is made (for 24 hours).", valueName: "text"))
  var idempotencyKey: String?

  @Option(help: ArgumentHelp("A JSON object that is kept with the job.", valueName: "json"))
  var metadata: String?

  @Option(help: ArgumentHelp("Tell this address when the job has ended.", valueName: "url"))
  var callbackURL: String?

  @Flag(help: "Print the job as the server's JSON.")
  var json = false

  @OptionGroup var connection: ConnectionOptions

  func validate() throws {
    _ = try submission()
    if let wait, WaitText.limit(wait) == nil {
      throw ValidationError("--wait: must be seconds, or a duration such as 5m, not '\(printable(wait))'")
    }
    if type != nil, body == nil { throw ValidationError("--type: is about the body, and there is no --body") }
    if let idempotencyKey, !(1...255).contains(idempotencyKey.utf8.count) || !Self.isPrintable(idempotencyKey) {
      throw ValidationError("--idempotency-key: must be 1 to 255 printable ASCII characters")
    }
    if let type, !type.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) || !type.contains("/") {
      throw ValidationError("--type: must be a media type such as text/plain, not '\(printable(type))'")
    }
  }

  private static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7e).contains($0) } }

  /// As a string of structured fields (RFC 8941, section 4.1.6).
  private var headers: [String] {
    guard let idempotencyKey else { return [] }
    let escaped = idempotencyKey.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    return ["Idempotency-Key: \"\(escaped)\""]
  }

  func submission() throws -> Submission {
    var options: [Submission.Option] = []
    func add(_ name: String, _ text: String?, isJSON: Bool = false) {
      if let text { options.append(.init(name: name, text: text, isJSON: isJSON)) }
    }
    for (flag, text) in [("--timeout", timeout), ("--delay", delay)] {
      if let text, DurationText.duration(text) == nil {
        throw ValidationError("\(flag): must be \(DurationText.expectation), not '\(printable(text))'")
      }
    }
    if let runAt, RFC3339.timestamp(runAt) == nil {
      throw ValidationError("--run-at: must be \(RFC3339.expectation), not '\(printable(runAt))'")
    }
    if delay != nil, runAt != nil { throw ValidationError("--delay and --run-at exclude one another") }
    if let priority, !(-100...100).contains(priority) {
      throw ValidationError("--priority: must be from -100 to 100, not '\(priority)'")
    }
    if let maxAttempts, maxAttempts < 1 {
      throw ValidationError("--max-attempts: must be at least 1, not '\(maxAttempts)'")
    }
    if let metadata, !JSONText.isObject(metadata) {
      throw ValidationError("--metadata: must be a JSON object, not '\(printable(metadata))'")
    }
    add("priority", priority.map(String.init), isJSON: true)
    add("run_at", runAt)
    add("delay", delay)
    add("timeout", timeout)
    add("max_attempts", maxAttempts.map(String.init), isJSON: true)
    add("queue", queue)
    add("key", key)
    add("unique_key", uniqueKey)
    add("metadata", metadata, isJSON: true)
    add("callback_url", callbackURL)
    do {
      return Submission(handler: handler, arguments: try SubmitArguments(words: arguments), options: options)
    } catch { throw ValidationError(printable(error.message, limit: 200)) }
  }

  func run(in session: ClientSession) throws(ClientError) -> ExitStatus {
    let submission: Submission
    do { submission = try self.submission() } catch { throw .local("\(error)") }
    let reply = try send(submission, session)
    let job = try JobView.decoded(reply.body)
    guard let wait, let limit = WaitText.limit(wait) else {
      if json { try session.printJSON(reply.body) } else { try session.streams.result(job.id + "\n") }
      return .success
    }
    // Submitting with `Prefer: wait` would save a request, but then Ctrl-C could not say which job goes on.
    Interruption.tellThatJobsGoOn([printable(job.id)])
    let deadline: ContinuousClock.Instant? =
      if case .atMost(let duration) = limit { ContinuousClock().now.advanced(by: duration) } else { nil }
    let waiter = JobWaiter(client: session.client, streams: session.streams)
    let ended = try waiter.wait(for: job.id, until: deadline, wasReached: true)
    if json { try session.printJSON(ended.body) }
    switch ended.job.exitStatus {
    case .success: return json ? .success : try session.printResult(of: ended.job)
    case .stillRunning:
      let state = printable(ended.job.state)
      session.streams.note("the wait ended while the job is \(state); it goes on: millrace wait \(printable(job.id))")
      return .stillRunning
    case let status:
      session.explainEnd(of: ended.job)
      return status
    }
  }

  private func send(_ submission: Submission, _ session: ClientSession) throws(ClientError) -> ServerClient.Reply {
    guard let body else {
      let request = ServerClient.Request(
        method: "POST", path: "/v1/jobs", headers: headers, body: .json(submission.document))
      return try session.client.send(request)
    }
    let descriptor = body == "-" ? STDIN_FILENO : open(body, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .local("--body: '\(printable(body))' cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    // Standard input may stand in the middle of its file.
    let place = isFile ? lseek(descriptor, 0, SEEK_CUR) : -1
    let stream = ServerClient.Body.stream(
      descriptor: descriptor, byteCount: place >= 0 ? max(0, Int(status.st_size) - Int(place)) : nil,
      mediaType: type ?? "application/octet-stream")
    let request = ServerClient.Request(
      method: "POST", path: "/v1/jobs" + submission.query, headers: headers, body: stream)
    return try session.client.send(request)
  }
}
