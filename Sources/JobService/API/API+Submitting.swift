import EventLoop
import HTTPServer
import HandlerAPI
import JobModel
import JobStore

/// `POST /v1/jobs` and `POST /v1/run/{handler}`.
extension API {
  /// Whether a job can be taken now; asked before a body is read, and again before it is stored.
  ///
  /// - Parameter count: the jobs that one request makes.
  func admit(_ count: Int = 1) throws(APIError) {
    if isDraining || dispatcher.identity.isServerStopping() { throw .draining }
    let waiting = memory.board.queuedEstimate
    if waiting + count > context.limits.queued {
      let detail =
        count == 1
        ? "\(context.limits.queued) jobs are waiting already"
        : "\(waiting) jobs are waiting already, and with \(count) more there would be too many"
      throw .overloaded(detail, retryAfterSeconds: 5)
    }
  }

  /// Jobs that wait for their time are bounded by the same number, but counted by themselves: however many there are, they
  /// keep no job out that could run now.
  ///
  /// - Parameter count: how many jobs like this one.
  func admit(_ job: Job, count: Int = 1) throws(APIError) {
    try admit(job.state == .scheduled ? 1 : count)
    if job.state == .scheduled, memory.board.scheduled + count > context.limits.queued {
      throw .overloaded("\(context.limits.queued) jobs are waiting for their time already", retryAfterSeconds: 60)
    }
  }

  func submit(_ call: Call) throws(APIError) {
    let (exchange, wait) = (call.exchange, call.wait)
    var submission: Submission
    if let name = call.query["handler"] {
      submission = try self.submission(call, try submittedHandler(named: name))
    } else {
      if let item = call.query.items.first(where: { $0.name != "wait" }) {
        throw .badRequest("the query parameter '\(item.name)' counts beside 'handler' only")
      }
      guard case .bytes(let body) = exchange.body else { throw .badRequest("the request has no body") }
      submission = try Submission(document: body, handlers: dispatcher.handlers)
    }
    submission.trace = TraceContext(call.head)
    let keyed = try keyedRequest(call)
    later(call) { [self, submission] in
      switch try await store(submission, exchange, keyed, isWaiting: wait.map { $0.seconds > 0 } ?? false) {
      case .made(let job, let request):
        defer { if let request { endHandling(request) } }
        return try await submitReply(job, wait, exchange, status: 202)
      case .found(let job):
        return try await submitReply(job, wait, exchange, status: 200)
      case .replied(let id, let body):
        let headers = [
          HTTPField("Location", JobDocument.path(id)), HTTPField("Content-Type", "application/json"),
          HTTPField("Retry-After", "1"),
        ]
        return HTTPResponse(status: 202, headers: headers, body: .bytes(body))
      case .repeated(let job, let madeJob):
        return try await submitReply(job, wait, exchange, status: madeJob ? 202 : 200)
      }
    }
  }

  /// - Parameter status: unless the job has ended.
  private func submitReply(
    _ job: Job, _ wait: WaitRequest?, _ exchange: HTTPExchange, status: Int
  ) async throws -> HTTPResponse {
    var headers = [HTTPField("Location", JobDocument.path(job.id))]
    var latest = job
    if let wait {
      headers += wait.headers
      latest = try await waitForEnd(job, wait.duration, exchange)
    }
    if latest.state.isFinal { return document(latest, status: 200, headers) }
    if let seconds = RetryAfter.seconds(latest) { headers.append(HTTPField("Retry-After", "\(seconds)")) }
    return document(latest, status: status, headers)
  }

  func run(_ call: Call) throws(APIError) {
    let (exchange, wait) = (call.exchange, call.wait)
    var submission = try self.submission(call, try handler(named: call.name))
    submission.trace = TraceContext(call.head)
    let keyed = try keyedRequest(call)
    later(call) { [self, submission] in
      let limit = wait?.duration ?? .seconds(context.limits.waitSeconds)
      switch try await store(submission, exchange, keyed, isWaiting: true) {
      case .made(let job, let request):
        defer { if let request { endHandling(request) } }
        return try await runReply(job, wait, limit, exchange)
      case .found(let job), .repeated(let job, _): return try await runReply(job, wait, limit, exchange)
      case .replied: preconditionFailure("a reply that waits for its job is not kept")
      }
    }
  }

  private func runReply(
    _ job: Job, _ wait: WaitRequest?, _ limit: Duration, _ exchange: HTTPExchange
  ) async throws -> HTTPResponse {
    let ended = try await waitForEnd(job, limit, exchange)
    let headers = [HTTPField("Location", JobDocument.path(job.id))] + (wait?.headers ?? [])
    switch ended.state {
    case .succeeded: return try await resultResponse(ended, headers)
    case .failed, .cancelled: throw APIError.jobFailed(ended)
    case .scheduled, .queued, .running: return document(ended, status: 202, headers)
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

  /// What a submit came to.
  private enum Submitted {
    /// A new job, and the request that is remembered with it.
    case made(Job, IdempotentRequest?)
    /// The job that has the same unique key.
    case found(Job)
    /// The request came before, and this was answered.
    case replied(JobID, [UInt8])
    /// The request came before; its answer is made of the job.
    case repeated(Job, madeJob: Bool)
  }

  private func store(
    _ submission: Submission, _ exchange: HTTPExchange, _ keyed: KeyedRequest?, isWaiting: Bool
  ) async throws -> Submitted {
    let now = Timestamp.now
    let job = submission.job(id: issuer.next(now: now), now: now)
    try admit(job)
    var request: IdempotentRequest?
    if let keyed {
      request = try await remembered(
        keyed, reply: isWaiting ? nil : JobDocument.bytes(job), isWaiting: isWaiting)
    }
    if case .file = job.input {
      // The client may have left since the body came, and its file with it: then nobody waits for an answer either.
      guard case .file(let file) = exchange.body else { throw APIError.badRequest("the client has left") }
      // Kept from here on: the row will name it. A file whose row was never committed is swept at the next start.
      file.keep()
    }
    let generation = memory.board.generation(of: job.id)
    do {
      let receipt = try await dispatcher.submit(job, for: request)
      if case .stored(let stored) = receipt {
        replies.put(stored, generation: generation)
        return .made(stored, request)
      }
      discardInput(of: job)
      return try await submitted(receipt, isWaiting: isWaiting)
    } catch let error as StoreError {
      discardInput(of: job)
      throw error
    }
  }

  private func submitted(_ receipt: SubmitReceipt, isWaiting: Bool) async throws -> Submitted {
    switch receipt {
    case .stored(let job): return .made(job, nil)
    case .uniqueKeyTaken(let job): return .found(job)
    case .repeated(let known):
      if let body = known.body, !isWaiting { return .replied(known.job, body) }
      guard let job = try await current(known.job) else { throw missing(known.job) }
      return .repeated(job, madeJob: known.madeJob)
    case .keyOfAnotherRequest:
      throw APIError.refused("the Idempotency-Key was used for another request")
    case .beingHandled:
      throw APIError.conflict("the request with this Idempotency-Key is still being handled", retryAfterSeconds: 1)
    case .tooManyRemembered:
      throw APIError.overloaded("too many requests with an Idempotency-Key are remembered", retryAfterSeconds: 60)
    }
  }

  private func discardInput(of job: Job) {
    if case .file(let name, _, _, _) = job.input { context.discard([name]) }
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
