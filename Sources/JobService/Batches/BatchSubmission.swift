// What a client wants to be run over many inputs: read from the body's frame or from the query, and then input by input.

import HTTPServer
import HandlerAPI
import JobModel
import JobStore
import StrictJSON

/// A batch as it was asked for, checked, without its inputs.
struct BatchRequest: Sendable {
  static let inputLimit = 100_000
  static let chunkSizes = 1...1000
  /// Those of a single submit, but for `unique_key`: with it all jobs of a batch would be one.
  static let jobOptions = JobOption.all.filter { $0.name != "unique_key" }

  let handler: RegisteredHandler
  let options: JobOptions
  let chunkSize: Int

  /// What its jobs share; the id stands for none.
  func prototype(id: JobID, now: Timestamp) -> Job {
    Submission(handler: handler, input: .json(Array("{}".utf8)), options: options).job(id: id, now: now)
  }

  /// From the query beside `handler`, for a body of lines.
  init(handler: RegisteredHandler, query: [QueryParameters.Item], chunkSize: Int?) throws(APIError) {
    var options = JobOptions()
    // What is no option was declared beside them.
    for item in query { _ = options.take(query: item.name, item.value) }
    options.finish()
    guard options.errors.isEmpty else { throw .unacceptable(options.errors) }
    self.handler = handler
    self.options = options
    self.chunkSize = chunkSize ?? 1
  }

  /// From a document whose `args` were cut out.
  init(frame: JSONNode, handlers: HandlerRegistry) throws(APIError) {
    guard frame.kind == .object else {
      throw .unacceptable("", "must be an object with the members 'handler' and 'args', not \(frame.kind.phrase)")
    }
    var options = JobOptions()
    var errors: [InputError] = []
    var found: RegisteredHandler?
    var chunkSize = 1
    func fail(_ name: String, _ detail: String) {
      errors.append(InputError(pointer: "/" + JSONPointer.escaped(name), detail: detail))
    }
    for (key, value) in frame.members {
      switch key {
      case "handler":
        guard let name = value.stringValue else {
          fail(key, "must be a string")
          continue
        }
        found = handlers[name]
        if found == nil { fail(key, "there is no handler named '\(name)'") }
      case "args": if value.kind != .array { fail(key, "must be an array of inputs, not \(value.kind.phrase)") }
      case "chunk_size":
        if value.isNull { continue }
        guard value.kind == .number, let size = value.intValue, Self.chunkSizes.contains(size) else {
          fail(key, "must be an integer from \(Self.chunkSizes.lowerBound) to \(Self.chunkSizes.upperBound)")
          continue
        }
        chunkSize = size
      case "unique_key": fail(key, "cannot be given for a batch: all its jobs would be one")
      default: if !options.take(key, value) { fail(key, "is not a known field") }
      }
    }
    options.finish()
    errors += options.errors
    for name in ["handler", "args"] where frame[name] == nil { fail(name, "is missing") }
    guard errors.isEmpty, let found else { throw .unacceptable(errors) }
    handler = found
    self.options = options
    self.chunkSize = chunkSize
  }
}

/// Reads a body, checks its inputs, and writes them to a file of their own. Blocks: it runs on a thread for that.
struct BatchIntake: Sendable {
  /// What came in.
  struct Taken: Sendable {
    let request: BatchRequest
    let file: String
    let count: Int
  }

  let body: BatchBody
  let handlers: HandlerRegistry
  let spool: SpoolFolder
  let inputLimitBytes: Int
  /// Jobs that may wait in line at all.
  let queueLimit: Int

  /// So many errors are told; reading ends at the last of them.
  static let errorLimit = 20
  /// A document's root and its `args` are two of the levels that a body may have.
  private static let levelsAbove = 2

  /// A body of lines.
  func lines(_ request: BatchRequest) throws -> Taken {
    try take(request, LineSplitter(inputLimitBytes: inputLimitBytes), depth: 64, saysLines: true)
  }

  /// A document. It is gone through twice, because its handler may be named behind its inputs.
  func document() throws -> Taken {
    var first = DocumentSplitter(inputLimitBytes: inputLimitBytes)
    try body.split(by: &first) { _ in }
    let frame: JSONDocument
    do {
      frame = try JSONDocument.parse(first.frame)
    } catch {
      throw APIError.notJSON(first.bodyPlace(ofFrame: error))
    }
    let request = try BatchRequest(frame: frame.root, handlers: handlers)
    let second = DocumentSplitter(inputLimitBytes: inputLimitBytes)
    return try take(request, second, depth: 64 - Self.levelsAbove, saysLines: false)
  }

  private func take(
    _ request: BatchRequest, _ splitter: some BatchSplitter, depth: Int, saysLines: Bool
  ) throws -> Taken {
    var splitter = splitter
    var file = try BatchInputFile.Writer(spool)
    do {
      var errors: [InputError] = []
      var count = 0
      try body.split(by: &splitter) { input in
        let index = count
        count += 1
        guard index < BatchRequest.inputLimit else {
          throw APIError.unacceptable("/args", "must have at most \(BatchRequest.inputLimit) inputs")
        }
        guard index < queueLimit else {
          throw APIError.unacceptable("/args", "must have at most \(queueLimit) inputs: no more may wait in line")
        }
        let value = try input.parsed(maxDepth: depth)
        let found = request.handler.handler.checkArgs(value, hasBody: false)
        if found.isEmpty { return try file.append(value.rawBytes) }
        let place = saysLines ? "line \(input.line): " : ""
        errors += found.map {
          InputError(pointer: "/args/\(index)\($0.pointer)", detail: place + $0.detail)
        }
        if errors.count >= Self.errorLimit { throw APIError.unacceptable(Array(errors.prefix(Self.errorLimit))) }
      }
      guard errors.isEmpty else { throw APIError.unacceptable(errors) }
      guard file.count > 0 else { throw APIError.unacceptable("/args", "must have at least one input") }
      try file.finish()
      return Taken(request: request, file: file.name, count: file.count)
    } catch {
      try spool.remove(file.name)
      throw error
    }
  }
}
