// What runs in a worker process: a call becomes a job's context, and a handler runs it.

import EventLoop
import Glibc
import HandlerAPI
import JobModel
import Multiprocessing
import StrictJSON

/// What an acceptor tells a worker about an attempt, beside the input itself.
struct AttemptHeader: Sendable, Equatable {
  enum Form: Int, Sendable {
    /// The argument is the `args`.
    case json
    /// The argument is a request body.
    case body
  }
  var id: JobID
  var attempt: Int
  var deadline: Timestamp?
  var handler: String
  var form: Form
  var mediaType: String
  var trace: TraceContext?
  /// JSON text that stands beside a body.
  var args: [UInt8]

  /// Both ends are one program, forked from one process: lines of text need no version. `args` came in a query, so the
  /// whole stays far below what a call's header may have.
  var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(192 + args.count)
    func add(_ line: String) {
      bytes.append(contentsOf: line.utf8)
      bytes.append(Self.newline)
    }
    add(id.description)
    add(String(attempt))
    add(deadline.map { String($0.microseconds) } ?? "")
    add(handler)
    add(String(form.rawValue))
    let typeStart = bytes.count
    add(mediaType)
    for place in typeStart..<bytes.count - 1 where bytes[place] == Self.newline { bytes[place] = UInt8(ascii: " ") }
    add(trace?.text ?? "")
    bytes.append(contentsOf: args)
    return bytes
  }

  private static let newline = UInt8(ascii: "\n")

  init?(_ bytes: [UInt8]) {
    var head: [String] = []
    head.reserveCapacity(7)
    var rest = bytes[...]
    while head.count < 7 {
      guard let end = rest.firstIndex(of: Self.newline) else { return nil }
      head.append(String(decoding: rest[..<end], as: UTF8.self))
      rest = rest[(end + 1)...]
    }
    guard let id = JobID(head[0]), let attempt = Int(head[1]), let form = Int(head[4]).flatMap(Form.init) else {
      return nil
    }
    self.id = id
    self.attempt = attempt
    deadline = Int64(head[2]).map(Timestamp.init(microseconds:))
    handler = head[3]
    self.form = form
    mediaType = head[5]
    trace = TraceContext(text: head[6])
    args = Array(rest)
  }

  init(
    id: JobID, attempt: Int, deadline: Timestamp?, handler: String, form: Form, mediaType: String,
    trace: TraceContext?, args: [UInt8]
  ) {
    self.id = id
    self.attempt = attempt
    self.deadline = deadline
    self.handler = handler
    self.form = form
    self.mediaType = mediaType
    self.trace = trace
    self.args = args
  }
}

/// Progress as it goes from a worker to its acceptor: numbers and a message, in lines.
enum ProgressText {
  static let messageLimit = 1000

  static func bytes(_ progress: JobProgress) -> [UInt8] {
    let total = progress.total.map(String.init) ?? ""
    let message = progress.message.map { "+" + $0.prefix(messageLimit) } ?? ""
    return Array("\(progress.completed)\n\(total)\n\(message)".utf8)
  }

  static func progress(_ bytes: [UInt8]) -> JobProgress? {
    let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard parts.count == 3, let completed = Int(parts[0]) else { return nil }
    return JobProgress(
      completed: completed, total: Int(parts[1]), message: parts[2].isEmpty ? nil : String(parts[2].dropFirst()))
  }
}

/// How a handler's failure goes from a worker to its acceptor: its kind, a newline, its message.
enum FailureText {
  static func bytes(_ kind: JobError.Kind, _ message: String) -> [UInt8] { Array("\(kind.rawValue)\n\(message)".utf8) }

  static func error(_ bytes: [UInt8], attempt: Int) -> JobError {
    let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    guard parts.count == 2, let kind = JobError.Kind(rawValue: parts[0]) else {
      return JobError(.handlerError, String(decoding: bytes, as: UTF8.self), attempt: attempt)
    }
    return JobError(kind, parts[1], attempt: attempt)
  }
}

enum WorkerGlue {
  /// The one function that workers run.
  static let functionName = "job"

  static func program(_ handlers: HandlerRegistry) -> WorkerProgram {
    // Made in the acceptor and never touched there: each worker fills its own.
    let instances = HandlerInstances()
    let run = WorkerFunction(functionName) { call in
      guard let header = AttemptHeader(call.header), let handler = handlers[header.handler] else {
        throw WorkerFailure(FailureText.bytes(.handlerError, "the worker was given a job that it does not know"))
      }
      let context = JobContext(
        id: header.id, attempt: header.attempt, deadline: header.deadline, trace: header.trace,
        channel: WorkerContextChannel(call: call))
      let reply: HandlerReply
      do {
        let instance = try await instances.instance(of: handler.handler)
        reply = await instance.run(input: try input(header, call), context: context)
      } catch {
        reply = .failure(kind: .handlerError, message: "\(error)")
      }
      switch reply {
      case .success(let mediaType, let bytes):
        return WorkerReturn(.bytes(bytes), meta: Array(mediaType.utf8))
      case .failure(let kind, let message):
        throw WorkerFailure(FailureText.bytes(kind, message))
      }
    }
    return WorkerProgram([run], preload: { for handler in handlers { try handler.handler.preload() } })
  }

  private static func input(_ header: AttemptHeader, _ call: WorkerCall) throws -> HandlerInput {
    switch header.form {
    case .json: return .json(try call.argument.readAll())
    case .body:
      let source: RawBody.Source
      switch call.argument {
      case .bytes(let bytes): source = .bytes(bytes)
      case .file(let file, _):
        // The call keeps its own; the body closes this one.
        let copy = dup(file.descriptor)
        if copy < 0 { throw HandlerError("the input cannot be opened: \(String(cString: strerror(errno)))") }
        source = .file(BodyFile(owning: copy))
      }
      return .raw(
        RawBody(
          mediaType: header.mediaType, byteCount: call.argument.byteCount, source: source, args: header.args))
    }
  }
}

/// The context channel of a job in a worker process.
struct WorkerContextChannel: JobContextChannel {
  let call: WorkerCall

  func report(_ progress: JobProgress) { call.report(progress: ProgressText.bytes(progress)) }
  func log(_ line: String) { call.log(line) }
  var isCancelled: Bool { call.isCancelled }
}
