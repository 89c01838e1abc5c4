import EventLoop
import HTTPServer
import HandlerAPI
import JobModel
import JobStore

/// `POST /v1/jobs` and `POST /v1/run/{handler}`.
extension API {
  /// Whether a job can be taken now; asked before a body is read, and again before it is stored.
  func admit() throws(APIError) {
    if isDraining || dispatcher.identity.isServerStopping() { throw .draining }
    if memory.board.queuedEstimate >= context.limits.queued {
      throw .overloaded("\(context.limits.queued) jobs are waiting already", retryAfterSeconds: 5)
    }
  }

  func submit(_ call: Call) throws(APIError) {
    let (exchange, head, wait) = (call.exchange, call.head, call.wait)
    let submission: Submission
    if let name = call.query["handler"] {
      submission = try self.submission(call, try submittedHandler(named: name))
    } else {
      if let item = call.query.items.first(where: { $0.name != "wait" }) {
        throw .badRequest("the query parameter '\(item.name)' counts beside 'handler' only")
      }
      guard case .bytes(let body) = exchange.body else { throw .badRequest("the request has no body") }
      submission = try Submission(document: body, handlers: dispatcher.handlers)
    }
    try refuseUnsupported(head)
    later(call) { [self] in
      let job = try await store(submission, exchange)
      var headers = [HTTPField("Location", JobDocument.path(job.id))]
      var latest = job
      if let wait {
        headers += wait.headers
        latest = try await waitForEnd(job, wait.duration, exchange)
      }
      if latest.state.isFinal { return document(latest, status: 200, headers) }
      if let seconds = RetryAfter.seconds(latest) { headers.append(HTTPField("Retry-After", "\(seconds)")) }
      return document(latest, status: 202, headers)
    }
  }

  func run(_ call: Call) throws(APIError) {
    let (exchange, head, wait) = (call.exchange, call.head, call.wait)
    let submission = try self.submission(call, try handler(named: call.name))
    try refuseUnsupported(head)
    later(call) { [self] in
      let job = try await store(submission, exchange)
      let ended = try await waitForEnd(job, wait?.duration ?? .seconds(WaitRequest.limitSeconds), exchange)
      let headers = [HTTPField("Location", JobDocument.path(job.id))] + (wait?.headers ?? [])
      switch ended.state {
      case .succeeded: return try await resultResponse(ended, headers)
      case .failed, .cancelled: throw APIError.jobFailed(ended)
      case .scheduled, .queued, .running: return document(ended, status: 202, headers)
      }
    }
  }

  /// Of the contract, but not of this version: better refused than silently left out.
  private func refuseUnsupported(_ head: HTTPRequestHead) throws(APIError) {
    if head.header("Idempotency-Key") != nil {
      throw .unacceptable("", "the header Idempotency-Key is not supported by this version")
    }
  }

  /// The handler that a path names.
  func handler(named name: String) throws(APIError) -> RegisteredHandler {
    guard let handler = dispatcher.handlers[name] else { throw .notFound("there is no handler named '\(name)'") }
    return handler
  }

  /// The handler that a submit names.
  func submittedHandler(named name: String) throws(APIError) -> RegisteredHandler {
    guard let handler = dispatcher.handlers[name] else {
      throw .unacceptable("/handler", "there is no handler named '\(name)'")
    }
    return handler
  }

  private func submission(_ call: Call, _ handler: RegisteredHandler) throws(APIError) -> Submission {
    let body: RequestInput
    switch call.exchange.body {
    case .empty: body = .bytes([])
    case .bytes(let bytes): body = .bytes(bytes)
    case .file(let file): body = .file(name: file.name, byteCount: file.byteCount)
    }
    return try Submission(
      handler: handler, query: call.query.items, body: body, mediaType: call.head.header("Content-Type"))
  }

  private func store(_ submission: Submission, _ exchange: HTTPExchange) async throws -> Job {
    try admit()
    let now = Timestamp.now
    let job = submission.job(id: issuer.next(now: now), now: now)
    if case .file = job.input {
      // The client may have left since the body came, and its file with it: then nobody waits for an answer either.
      guard case .file(let file) = exchange.body else { throw APIError.badRequest("the client has left") }
      // Kept from here on: the row will name it. A file whose row was never committed is swept at the next start.
      file.keep()
    }
    let generation = memory.board.generation(of: job.id)
    do {
      let stored = try await dispatcher.submit(job)
      replies.put(stored, generation: generation)
      return stored
    } catch {
      if case .file(let name, _, _, _) = job.input { context.discard([name]) }
      throw error
    }
  }

  func waitForEnd(_ job: Job, _ limit: Duration, _ exchange: HTTPExchange) async throws(StoreError) -> Job {
    if limit <= .zero || job.state.isFinal { return job }
    let wait = JobWaits.Wait()
    exchange.onClientGone = { wait.abandon() }
    let waited = try await waits.job(job.id, limit: limit, wait: wait, isEnough: { $0.state.isFinal }) {
      () async throws(StoreError) in try await self.current(job.id)
    }
    return waited ?? job
  }

  /// The job as it is: as its attempt here says, or as the store has it.
  func current(_ id: JobID) async throws(StoreError) -> Job? {
    if let attempt = dispatcher.attempts[id], attempt.phase == .running { return attempt.view }
    return try await store.job(id)
  }

  func document(_ job: Job, status: Int, _ headers: [HTTPField]) -> HTTPResponse {
    HTTPResponse(
      status: status, headers: headers + [HTTPField("Content-Type", "application/json")],
      body: .bytes(JobDocument.bytes(job)))
  }
}
