// The HTTP contract: takes requests apart, and answers them from the store, the dispatcher and shared memory.
//
// It owns the ready-made replies and the clients that wait. It decides nothing about jobs.

import EventLoop
import HTTPServer
import HandlerAPI
import JobModel
import JobStore
import Logging

@LoopActor
final class API: HTTPApplication {
  let context: ServiceContext
  let dispatcher: Dispatcher
  let store: any JobStore
  let memory: ServiceMemory
  let replies: JobReplies
  let waits: JobWaits
  /// Of those who follow batches.
  let watches: RowWatches
  let batches: BatchWork
  /// Bodies of batches are read and checked here.
  let batchReader = BlockingThread()
  let events: EventFeed
  var issuer: JobIDIssuer
  var batchIssuer: JobIDIssuer
  let files: StaticFiles?
  let origin: RequestOrigin
  let access: AccessGuard
  let handlersReply: HTTPResponse
  private let contractReply: FixedReply
  private let referenceReply: FixedReply
  let log: Logger
  /// Most requests name the Host that the one before named: it need not be taken apart again.
  private var lastGoodHost: String?
  private let showJob = Contract.job.get

  /// No new jobs are taken; everything else is still answered.
  var isDraining = false

  init(
    context: ServiceContext, dispatcher: Dispatcher, batches: BatchWork, files: StaticFiles?, origin: RequestOrigin,
    access: AccessGuard
  ) {
    self.context = context
    self.dispatcher = dispatcher
    store = dispatcher.store
    memory = dispatcher.memory
    replies = JobReplies(board: dispatcher.memory.board)
    waits = JobWaits(memory: dispatcher.memory, seat: dispatcher.identity.seat)
    let (seats, seat) = (dispatcher.memory.seats, dispatcher.identity.seat)
    watches = RowWatches { count in seats.setBatchWatchers(count, seat: seat) }
    self.batches = batches
    events = EventFeed(ring: dispatcher.memory.events, seat: dispatcher.identity.seat)
    issuer = JobIDIssuer(key: dispatcher.store.idKey)
    batchIssuer = JobIDIssuer(key: dispatcher.store.idKey.forBatches)
    self.files = files
    self.origin = origin
    self.access = access
    handlersReply = HandlersDocument.list(dispatcher.handlers)
    let contract = OpenAPIDocument(handlers: dispatcher.handlers, version: context.version)
    contractReply = FixedReply(mediaType: "application/json", contract.text())
    let page = ReferencePage(handlers: dispatcher.handlers, version: context.version)
    referenceReply = FixedReply(mediaType: ReferencePage.mediaType, page.bytes(), ReferencePage.headers)
    log = dispatcher.log
  }

  // MARK: - HTTPApplication

  func bodyPolicy(_ head: HTTPRequestHead) -> BodyPolicy {
    let path = head.pathBytes
    let match = Contract.match(path)
    do throws(APIError) {
      let operation = try check(head, match)
      guard let body = operation.body else { throw .tooLarge("this request has no body") }
      if operation.takesWork { try admit() }
      return try body.policy(self, head, try target(match, in: path))
    } catch {
      let problem = error.problem
      count(error)
      note(head, match.resource, status: problem.status)
      return .refuse(problem.response)
    }
  }

  /// The operation that a request is for, if it may be asked for at all: looked into before the body is read.
  private func check(_ head: HTTPRequestHead, _ match: Router.Match) throws(APIError) -> Operation {
    let isSafe = head.method == .get || head.method == .head
    let host = head.header("Host")
    if !isSafe || host != lastGoodHost {
      try origin.check(
        host: host, origin: isSafe ? nil : head.header("Origin"),
        fetchSite: isSafe ? nil : head.header("Sec-Fetch-Site"), changes: !isSafe)
      lastGoodHost = host
    }
    let caller = try access.caller(head)
    if access.isMetering, Contract.resources[match.resource].isMetered { try access.meter(caller) }
    let operation = try operation(head, match)
    try access.require(operation.scope, of: caller)
    if let type = operation.fixedMediaType, head.header("Accept") != nil, let accept = head.headerList("Accept"),
      !AcceptedTypes.allow(type, in: accept)
    {
      throw .notAcceptable("this can be given as \(type) only")
    }
    if head.hasBody, head.header("Content-Encoding") != nil, let coding = head.headerList("Content-Encoding"),
      coding.lowercased() != "identity"
    {
      throw .unsupportedCoding("the body must come without a Content-Encoding, not as \(coding)")
    }
    return operation
  }

  private func operation(_ head: HTTPRequestHead, _ match: Router.Match) throws(APIError) -> Operation {
    let resource = Contract.resources[match.resource]
    if let operation = resource.operation(head.method) { return operation }
    if resource.allow.isEmpty { throw .notFound("there is nothing at this path") }
    throw .methodNotAllowed(resource.allow)
  }

  private func target(_ match: Router.Match, in path: [UInt8]) throws(APIError) -> Call.Target {
    switch Contract.resources[match.resource].parameter {
    case .none: return .none
    case .name: return .name(String(decoding: path[match.parameter], as: UTF8.self))
    case .jobID:
      guard let id = Self.jobID(match, in: path) else { throw .notFound("there is no such job: its id is malformed") }
      return .job(id)
    case .batchID:
      guard let id = Self.jobID(match, in: path) else { throw .notFound("there is no such batch: its id is malformed") }
      return .batch(id)
    }
  }

  private static func jobID(_ match: Router.Match, in path: [UInt8]) -> JobID? {
    path.withUnsafeBufferPointer { JobID(utf8: UnsafeBufferPointer(rebasing: $0[match.parameter])) }
  }

  func inputPolicy(_ handler: RegisteredHandler, _ head: HTTPRequestHead) throws(APIError) -> BodyPolicy {
    if handler.handler.acceptsRawBody {
      return .spool(
        limitBytes: context.limits.bodyBytes, memoryLimitBytes: context.limits.inlineInputBytes,
        folder: context.spool.path)
    }
    try requireJSON(head)
    return .buffer(limitBytes: context.limits.jsonBodyBytes)
  }

  /// JSON by its name, by `curl -d`'s default, or without any name (RFC 9110, section 8.3, lets a reader guess).
  func requireJSON(_ head: HTTPRequestHead) throws(APIError) {
    // What most clients send, without taking it apart.
    if head.headerEquals("Content-Type", "application/json") { return }
    guard let type = head.header("Content-Type") else { return }
    let essence = type.prefix { $0 != ";" }.trimmed.lowercased()
    guard MediaType.isJSON(type) || essence == "application/x-www-form-urlencoded" || essence.isEmpty else {
      throw .unsupportedMediaType("the body must be application/json, not \(essence)")
    }
    // JSON has no such parameter (RFC 8259, section 11), but who sends another encoding should hear of it.
    if let charset = MediaType.charset(type), charset != "utf-8", charset != "us-ascii" {
      throw .unsupportedMediaType("the body must be UTF-8, not \(charset)")
    }
  }

  func handle(_ exchange: HTTPExchange) {
    let head = exchange.head
    let path = head.pathBytes
    let match = Contract.match(path)
    do throws(APIError) {
      // A request with a body was checked before the body was read.
      let operation = try head.hasBody ? operation(head, match) : check(head, match)
      // The way that is taken most, and must cost least.
      if operation === showJob, !head.hasQuery, let id = Self.jobID(match, in: path),
        let reply = replies.reply(for: id), reply.isFinal || head.header("Prefer") == nil
      {
        memory.counters.add(.cacheHits, seat: dispatcher.identity.seat)
        send(exchange, match.resource, notModified(head, reply) ? reply.notModified : reply.response)
        return
      }
      let target = try target(match, in: path)
      var parameters = QueryParameters.none
      if head.hasQuery {
        parameters = try query(head)
        try operation.query.read(parameters)
      }
      let call = Call(
        exchange: exchange, resource: match.resource, operation: operation, target: target, query: parameters,
        waitLimitSeconds: context.limits.waitSeconds)
      try operation.perform(self, call)
    } catch {
      count(error)
      send(exchange, match.resource, error.problem.response)
    }
  }

  // MARK: - What every resource uses

  func query(_ head: HTTPRequestHead) throws(APIError) -> QueryParameters {
    do {
      return try head.query()
    } catch {
      throw .badRequest(error.detail ?? "the query is malformed")
    }
  }

  func count(_ error: APIError) {
    if let refusal = error.refusal { memory.counters.addRefusal(refusal, seat: dispatcher.identity.seat) }
  }

  func send(_ call: Call, _ response: HTTPResponse) { send(call.exchange, call.resource, response) }

  private func send(_ exchange: HTTPExchange, _ resource: Int, _ response: HTTPResponse) {
    note(exchange.head, resource, status: response.status)
    exchange.respond(response)
  }

  private func notModified(_ head: HTTPRequestHead, _ reply: JobReplies.Reply) -> Bool {
    guard let condition = head.header("If-None-Match") else { return false }
    return EntityTag.matches(condition, reply.etag)
  }

  /// An id that has no row: was it ever given out?
  func missing(_ id: JobID) -> APIError { issuer.issued(id) ? .gone : .notFound("there is no such job") }

  func contract(_ call: Call) {
    send(call, contractReply.response(ifNoneMatch: call.head.headerList("If-None-Match")))
  }

  func referencePage(_ call: Call) {
    send(call, referenceReply.response(ifNoneMatch: call.head.headerList("If-None-Match")))
  }

  func file(_ call: Call) throws(APIError) {
    guard var response = files?.response(for: call.head) else { throw .notFound("there is nothing at this path") }
    response.headers += SecurityHeaders.page
    send(call, response)
  }
}
