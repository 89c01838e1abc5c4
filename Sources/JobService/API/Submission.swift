import HTTPServer
import HandlerAPI
import JobModel
import StrictJSON

/// What a client asks to be run: checked, but not yet a job.
struct Submission: Sendable {
  let handler: RegisteredHandler
  let input: JobInput
  let options: JobOptions
  /// The trace that the request belongs to.
  var trace: TraceContext?

  /// The job it becomes.
  func job(id: JobID, now: Timestamp) -> Job {
    let due = options.due(now: now)
    var job = Job(
      id: id, handler: handler.name, queue: options.queue, executor: handler.executor,
      state: due == nil ? .queued : .scheduled, priority: options.priority, input: input,
      maxAttempts: options.maxAttempts ?? handler.maxAttempts, timeout: options.timeout, metadata: options.metadata,
      createdAt: now, scheduledAt: due)
    job.uniqueKey = options.uniqueKey
    job.concurrencyKey = options.concurrencyKey
    job.callbackURL = options.callbackURL
    job.trace = trace
    return job
  }

  // MARK: - A JSON document with `handler`, `args` and options

  init(document body: [UInt8], handlers: HandlerRegistry) throws(APIError) {
    let document: JSONDocument
    do {
      document = try JSONDocument.parse(body)
    } catch {
      throw .notJSON(error)
    }
    guard document.root.kind == .object else {
      throw .unacceptable("", "must be an object with the member 'handler', not \(document.root.kind.phrase)")
    }
    var options = JobOptions()
    var errors: [InputError] = []
    var name: String?
    var args: JSONNode?
    for (key, value) in document.root.members {
      switch key {
      case "handler":
        if let text = value.stringValue {
          name = text
        } else {
          errors.append(InputError(pointer: "/handler", detail: "must be a string"))
        }
      case "args": args = value.isNull ? nil : value
      default:
        if !options.take(key, value) {
          errors.append(InputError(pointer: "/" + JSONPointer.escaped(key), detail: "is not a known field"))
        }
      }
    }
    options.finish()
    errors += options.errors
    if document.root["handler"] == nil { errors.append(InputError(pointer: "/handler", detail: "is missing")) }
    var handler: RegisteredHandler?
    if let name {
      handler = handlers[name]
      if handler == nil {
        errors.append(InputError(pointer: "/handler", detail: "there is no handler named '\(name)'"))
      }
    }
    let text = args?.rawBytes ?? Array("{}".utf8)
    if let handler { errors += try Self.argErrors(text, handler, hasBody: false) }
    guard errors.isEmpty, let handler else { throw .unacceptable(errors) }
    self.init(handler: handler, input: .json(text), options: options)
  }

  // MARK: - A body that is the input itself, with options in the query

  /// - Parameters:
  ///   - query: read as declared (``QueryParameter/inputOptions``), so nothing unknown is in it, and nothing twice.
  ///   - body: the request body, already stored where it is large.
  init(
    handler: RegisteredHandler, query: [QueryParameters.Item], body: RequestInput, mediaType: String?
  ) throws(APIError) {
    var options = JobOptions()
    var argItems: [(name: String, value: String)] = []
    var argsText: [UInt8]?
    for item in query {
      if item.name == "args" {
        argsText = Array(item.value.utf8)
      } else if item.name.hasPrefix("args.") {
        argItems.append((String(item.name.dropFirst("args.".count)), item.value))
      } else {
        // What is none was declared beside the options: `wait` and `handler`, which others read.
        _ = options.take(query: item.name, item.value)
      }
    }
    options.finish()
    if argsText != nil, !argItems.isEmpty { throw .badRequest("args and args.NAME cannot be given together") }
    let bodyIsArgs = !handler.handler.acceptsRawBody && !body.isEmpty
    if bodyIsArgs, argsText != nil || !argItems.isEmpty {
      throw .badRequest("args stand in the query and in the body; give them in one of the two")
    }
    if !argItems.isEmpty {
      do {
        argsText = try handler.handler.argsFromQuery(argItems, hasBody: !body.isEmpty)
      } catch {
        throw .unacceptable(Self.belowArgs(error.errors))
      }
    }
    guard options.errors.isEmpty else { throw .unacceptable(options.errors) }

    let input: JobInput
    // A body may be empty: without args there is nothing else that the input could be.
    if handler.handler.acceptsRawBody, !body.isEmpty || argsText == nil {
      let args = argsText ?? Array("{}".utf8)
      let errors = try Self.argErrors(args, handler, hasBody: true)
      guard errors.isEmpty else { throw .unacceptable(errors) }
      let mediaType = mediaType ?? "application/octet-stream"
      switch body {
      case .bytes(let bytes): input = .body(bytes, mediaType: mediaType, args: args)
      case .file(let name, let byteCount):
        input = .file(name: name, byteCount: byteCount, mediaType: mediaType, args: args)
      }
    } else {
      // The body is the args; a request without one has them in its query, or takes the defaults.
      guard case .bytes(let bytes) = body else { preconditionFailure("JSON bodies are held in memory") }
      let args = argsText ?? (bytes.isEmpty ? Array("{}".utf8) : bytes)
      let errors = try Self.argErrors(args, handler, hasBody: false)
      guard errors.isEmpty else { throw .unacceptable(errors) }
      input = .json(args)
    }
    self.init(handler: handler, input: input, options: options)
  }

  /// Of parts that were checked.
  init(handler: RegisteredHandler, input: JobInput, options: JobOptions) {
    self.handler = handler
    self.input = input
    self.options = options
  }

  /// Checks args by the handler's schema. Args count as a root of their own, so their depth is limited there as well.
  private static func argErrors(
    _ text: [UInt8], _ handler: RegisteredHandler, hasBody: Bool
  ) throws(APIError) -> [InputError] {
    do {
      let document = try JSONDocument.parse(text)
      return belowArgs(handler.handler.checkArgs(document.root, hasBody: hasBody))
    } catch {
      throw .notJSON(error)
    }
  }

  private static func belowArgs(_ errors: [InputError]) -> [InputError] {
    errors.map { InputError(pointer: "/args" + $0.pointer, detail: $0.detail) }
  }
}

/// A request body that is a job's input.
enum RequestInput: Sendable {
  case bytes([UInt8])
  /// In the spool folder.
  case file(name: String, byteCount: Int)

  var isEmpty: Bool {
    if case .bytes(let bytes) = self { bytes.isEmpty } else { false }
  }
}
