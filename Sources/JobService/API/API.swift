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
  let events: EventFeed
  var issuer: JobIDIssuer
  let files: StaticFiles?
  let origin: RequestOrigin
  let handlersReply: HTTPResponse
  let log: Logger
  /// Most requests name the Host that the one before named: it need not be taken apart again.
  private var lastGoodHost: String?

  /// No new jobs are taken; everything else is still answered.
  var isDraining = false

  init(context: ServiceContext, dispatcher: Dispatcher, files: StaticFiles?, origin: RequestOrigin) {
    self.context = context
    self.dispatcher = dispatcher
    store = dispatcher.store
    memory = dispatcher.memory
    replies = JobReplies(board: dispatcher.memory.board)
    waits = JobWaits(memory: dispatcher.memory, seat: dispatcher.identity.seat)
    events = EventFeed(ring: dispatcher.memory.events, seat: dispatcher.identity.seat)
    issuer = JobIDIssuer(key: dispatcher.store.idKey)
    self.files = files
    self.origin = origin
    handlersReply = HandlersDocument.list(dispatcher.handlers)
    log = dispatcher.log
  }

  // MARK: - HTTPApplication

  func bodyPolicy(_ head: HTTPRequestHead) -> BodyPolicy {
    let route = Route(path: head.path)
    do {
      try check(head, route)
      guard head.method == .post else { return .none }
      return try bodyPolicy(route, head)
    } catch {
      memory.counters.addRequest(route.kind, status: error.problem.status, seat: dispatcher.identity.seat)
      return .refuse(error.problem.response)
    }
  }

  private func check(_ head: HTTPRequestHead, _ route: Route) throws(APIError) {
    let isSafe = head.method == .get || head.method == .head
    let host = head.header("Host")
    if !isSafe || host != lastGoodHost {
      try origin.check(
        host: host, origin: isSafe ? nil : head.header("Origin"),
        fetchSite: isSafe ? nil : head.header("Sec-Fetch-Site"), changes: !isSafe)
      lastGoodHost = host
    }
    if case .unknown = route { throw .notFound("there is nothing at this path") }
    // It has no resource that could take one method and not another.
    if case .noSuchJob = route { throw .notFound("there is no such job: its id is malformed") }
    guard route.methods.contains(head.method.name) else { throw .methodNotAllowed(route.methods) }
  }

  private func bodyPolicy(_ route: Route, _ head: HTTPRequestHead) throws(APIError) -> BodyPolicy {
    switch route {
    case .jobs:
      try admit()
      let parameters = try query(head)
      guard let name = parameters["handler"] else {
        try requireJSON(head)
        return .buffer(limitBytes: context.limits.jsonBodyBytes)
      }
      guard let handler = dispatcher.handlers[name] else {
        throw .unacceptable("/handler", "there is no handler named '\(name)'")
      }
      return try inputPolicy(handler, head)
    case .run(let name):
      try admit()
      guard let handler = dispatcher.handlers[name] else { throw .notFound("there is no handler named '\(name)'") }
      return try inputPolicy(handler, head)
    default:
      return .none
    }
  }

  private func inputPolicy(_ handler: RegisteredHandler, _ head: HTTPRequestHead) throws(APIError) -> BodyPolicy {
    if handler.handler.acceptsRawBody {
      return .spool(
        limitBytes: context.limits.bodyBytes, memoryLimitBytes: context.limits.inlineInputBytes,
        folder: context.spool.path)
    }
    try requireJSON(head)
    return .buffer(limitBytes: context.limits.jsonBodyBytes)
  }

  /// JSON by its name, by `curl -d`'s default, or without any name (RFC 9110, section 8.3, lets a reader guess).
  private func requireJSON(_ head: HTTPRequestHead) throws(APIError) {
    guard let type = head.header("Content-Type") else { return }
    let essence = type.prefix { $0 != ";" }.trimmed.lowercased()
    guard MediaType.isJSON(type) || essence == "application/x-www-form-urlencoded" || essence.isEmpty else {
      throw .unsupportedMediaType("the body must be application/json, not \(essence)")
    }
  }

  func handle(_ exchange: HTTPExchange) {
    let head = exchange.head
    let route = Route(path: head.path)
    do {
      // A request with a body was checked before the body was read.
      if !head.hasBody { try check(head, route) }
      // The way that is taken most, and must cost least.
      if case .job(let id) = route, head.method != .delete, !head.hasQuery, let reply = replies.reply(for: id),
        reply.isFinal || head.header("Prefer") == nil
      {
        memory.counters.add(.cacheHits, seat: dispatcher.identity.seat)
        send(exchange, .job, notModified(head, reply) ? reply.notModified : reply.response)
        return
      }
      try answer(exchange, route)
    } catch {
      refuse(exchange, route, error)
    }
  }

  private func answer(_ exchange: HTTPExchange, _ route: Route) throws(APIError) {
    switch (route, exchange.head.method) {
    case (.service, _): try plain(exchange, route) { self.serviceDocument() }
    case (.jobs, .post): try submit(exchange)
    case (.jobs, _): try list(exchange)
    case (.job(let id), .delete): try delete(exchange, id)
    case (.job(let id), _): try show(exchange, id)
    case (.jobResult(let id), _): try result(exchange, id)
    case (.jobLog(let id), _): try printed(exchange, id)
    case (.jobCancel(let id), _): try cancel(exchange, id)
    case (.jobRetry(let id), _): try retry(exchange, id)
    case (.jobEvents(let id), _): try watch(exchange, id)
    case (.events, _): try watchAll(exchange)
    case (.run(let name), _): try run(exchange, name)
    case (.handlers, _): try plain(exchange, route) { self.handlersReply }
    case (.handler(let name), _): try handler(exchange, name)
    case (.processes, _): try plain(exchange, route) { self.processesDocument() }
    case (.metrics, _): try plain(exchange, route) { self.metricsPage() }
    case (.livez, _): try plain(exchange, route) { Health.reply(200, "alive") }
    case (.readyz, _): try ready(exchange)
    case (.noSuchJob, _): throw .notFound("there is no such job: its id is malformed")
    case (.unknown, _): throw .notFound("there is nothing at this path")
    case (.file, _): try file(exchange)
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

  /// The query of a resource that knows these parameters and no others.
  func query(_ head: HTTPRequestHead, only known: Set<String>) throws(APIError) -> QueryParameters {
    let parameters = try query(head)
    var seen: Set<String> = []
    for item in parameters.items {
      guard known.contains(item.name) else { throw .badRequest("there is no query parameter '\(item.name)' here") }
      guard seen.insert(item.name).inserted else {
        throw .badRequest("the query parameter '\(item.name)' stands twice")
      }
    }
    return parameters
  }

  /// Answers at once, without query parameters.
  private func plain(_ exchange: HTTPExchange, _ route: Route, _ body: () -> HTTPResponse) throws(APIError) {
    if exchange.head.hasQuery { _ = try query(exchange.head, only: []) }
    send(exchange, route.kind, body())
  }

  /// Answers from a task: what has to wait for the store.
  func later(
    _ exchange: HTTPExchange, _ kind: Route.Kind, _ body: @escaping @LoopActor () async throws -> HTTPResponse
  ) {
    Task { @LoopActor in
      let response: HTTPResponse
      do {
        response = try await body()
      } catch let error as APIError {
        response = error.problem.response
      } catch let error as StoreError {
        self.log.error("a request failed at the store", metadata: ["error": "\(error)"])
        response = APIError.storeAway(error).problem.response
      } catch {
        self.log.error("a request failed", metadata: ["error": "\(error)"])
        response = Problem(500, "the server failed at this request; the reason is in its log").response
      }
      self.send(exchange, kind, response)
    }
  }

  func send(_ exchange: HTTPExchange, _ kind: Route.Kind, _ response: HTTPResponse) {
    memory.counters.addRequest(kind, status: response.status, seat: dispatcher.identity.seat)
    exchange.respond(response)
  }

  private func refuse(_ exchange: HTTPExchange, _ route: Route, _ error: APIError) {
    send(exchange, route.kind, error.problem.response)
  }

  private func notModified(_ head: HTTPRequestHead, _ reply: JobReplies.Reply) -> Bool {
    guard let condition = head.header("If-None-Match") else { return false }
    return EntityTag.matches(condition, reply.etag)
  }

  /// An id that has no row: was it ever given out?
  func missing(_ id: JobID) -> APIError { issuer.issued(id) ? .gone : .notFound("there is no such job") }

  private func file(_ exchange: HTTPExchange) throws(APIError) {
    guard var response = files?.response(for: exchange.head) else { throw .notFound("there is nothing at this path") }
    // The page's other rules stand in itself; this one counts in a header only (CSP Level 3, section 6.4.2).
    response.headers.append(HTTPField("Content-Security-Policy", "frame-ancestors 'none'"))
    send(exchange, .file, response)
  }
}

/// Entity tags in conditions (RFC 9110, section 13.1.2).
enum EntityTag {
  /// Whether an `If-None-Match` names the tag; the comparison is weak.
  static func matches(_ condition: String, _ etag: String) -> Bool {
    if condition == etag { return true }
    return condition.split(separator: ",").contains { part in
      let part = part.trimmed
      return part == "*" || part == etag || part == "W/" + etag
    }
  }
}
