import EventLoop
import HTTPServer
import HandlerAPI
import JobModel
import JobStore

/// Batches: `/v1/batches` and what is below it.
extension API {
  // MARK: - Submitting

  /// Lines of JSON by any of their names, by what `curl` calls a body, or without a name.
  func requireLines(_ head: HTTPRequestHead) throws(APIError) {
    guard let type = head.header("Content-Type") else { return }
    let essence = type.prefix { $0 != ";" }.trimmed.lowercased()
    guard Self.lineTypes.contains(essence) || MediaType.isJSON(type) else {
      throw .unsupportedMediaType("the body must be application/x-ndjson, not \(essence)")
    }
  }

  private static let lineTypes: Set<String> = [
    "", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "text/plain",
    "application/octet-stream", "application/x-www-form-urlencoded",
  ]

  func submitBatch(_ call: Call) throws(APIError) {
    let exchange = call.exchange
    if call.head.header("Idempotency-Key") != nil {
      throw .refused("the header Idempotency-Key counts for single jobs; it is not kept for batches")
    }
    if case .empty = exchange.body { throw .badRequest("the request has no body") }
    var request: BatchRequest?
    if let name = call.query["handler"] {
      request = try BatchRequest(
        handler: try submittedHandler(named: name), query: call.query.items, chunkSize: call.integer("chunk_size"))
    } else if let item = call.query.items.first {
      throw .badRequest("the query parameter '\(item.name)' counts beside 'handler' only")
    }
    let lines = request
    let trace = TraceContext(call.head)
    let client = ClientPresence(exchange)
    let intake = BatchIntake(
      body: BatchBody(exchange.body), handlers: dispatcher.handlers, spool: context.spool,
      inputLimitBytes: context.limits.jsonBodyBytes, queueLimit: context.limits.queued)
    later(call) { [self] in
      let taken = try await batchReader.run { try lines.map(intake.lines) ?? intake.document() }
      do {
        guard !client.hasLeft else { throw APIError.badRequest("the client has left") }
        let batch = try await open(taken, trace)
        return document(batch, status: 202, [HTTPField("Location", BatchDocument.path(batch.id))])
      } catch {
        context.discard([taken.file])
        throw error
      }
    }
  }

  /// Makes the batch exist, and begins to make its inputs jobs.
  private func open(_ taken: BatchIntake.Taken, _ trace: TraceContext?) async throws -> Batch {
    let now = Timestamp.now
    let id = batchIssuer.next(now: now)
    var prototype = taken.request.prototype(id: id, now: now)
    prototype.trace = trace
    try admit(prototype, count: taken.count)
    let batch = Batch(
      id: id, total: taken.count, chunkSize: taken.request.chunkSize, prototype: prototype, inputFile: taken.file,
      owner: dispatcher.identity.owner)
    // Counted before they are rows, so that a second batch does not find the same room.
    if prototype.state == .queued { memory.board.markJoined(prototype.executor, count: taken.count) }
    do {
      try await store.openBatch(batch)
    } catch {
      if prototype.state == .queued { memory.board.markLeft(prototype.executor, count: taken.count) }
      throw error
    }
    batches.begin(batch)
    return batch
  }

  // MARK: - One batch

  func showBatch(_ call: Call) throws(APIError) {
    let (exchange, id, wait) = (call.exchange, call.batchID, call.wait)
    let condition = call.head.header("If-None-Match")
    later(call) { [self] in
      guard var batch = try await store.batch(id) else { throw missingBatch(id) }
      let isKnown = condition.map { EntityTag.matches($0, Self.etag(batch)) } ?? false
      if let wait, wait.seconds > 0, !batch.isDone, condition == nil || isKnown {
        // With a condition any change is news; without one only the end is.
        let first = batch
        let latest = try await follow(batch, wait.duration, exchange) {
          isKnown ? $0.counts != first.counts : $0.isDone
        }
        guard let latest else { throw missingBatch(id) }
        batch = latest
      }
      let tag = Self.etag(batch)
      let headers = [HTTPField("ETag", tag), HTTPField("Cache-Control", "no-cache")] + (wait?.headers ?? [])
      let response = document(batch, status: 200, headers)
      return condition.map { EntityTag.matches($0, tag) } ?? false ? response.notModified() : response
    }
  }

  /// The batch as soon as it is enough, or as it is when the time is over; `nil`: its last job was deleted or has expired.
  private func follow(
    _ first: Batch, _ limit: Duration, _ exchange: HTTPExchange, until isEnough: (Batch) -> Bool
  ) async throws(StoreError) -> Batch? {
    let watch = watches.begin(first.id)
    defer { watches.end(watch) }
    exchange.onClientGone = { [watches] in watches.end(watch) }
    let end = MonotonicClock.now + limit.nanosecondsClamped
    while let latest = try await store.batch(first.id) {
      let now = MonotonicClock.now
      if isEnough(latest) || now >= end { return latest }
      guard await watch.next(limit: .nanoseconds(Int64(end - now))) else { return latest }
    }
    return nil
  }

  func cancelBatch(_ call: Call) throws(APIError) {
    let (exchange, id) = (call.exchange, call.batchID)
    later(call) { [self] in
      let location = [HTTPField("Location", BatchDocument.path(id))]
      switch try await batches.requestCancel(id) {
      case .stopping(let batch):
        // A batch that only waits is through in a moment.
        let latest = try await follow(batch, Self.cancelPatience, exchange) { $0.isDone }
        guard let latest else { throw missingBatch(id) }
        return document(latest, status: latest.isDone ? 200 : 202, location)
      case .alreadyEnded: throw APIError.conflict("all jobs of the batch had ended before", retryAfterSeconds: nil)
      case .unknown: throw missingBatch(id)
      }
    }
  }

  /// How long the reply to a cancel is kept back for the end.
  private static let cancelPatience = Duration.seconds(1)

  func streamBatchResults(_ call: Call) throws(APIError) {
    let id = call.batchID
    let order = call.query["order"].flatMap { BatchOrder(rawValue: $0) } ?? .completed
    let cursor = call.integer("after") ?? BatchCursor.start
    let isHead = call.head.method == .head
    later(call) { [self] in
      guard let batch = try await store.batch(id) else { throw missingBatch(id) }
      // A client that asks for what comes after a line that never was would wait for ever, or take nothing for the whole.
      guard cursor <= BatchCursor.last(of: batch, order) else {
        throw APIError.badRequest("after must be the 'cursor' of a line of this batch, read in the same order")
      }
      let results = BatchResultStream(id, order, after: cursor, store: store, watches: watches, log: log)
      // Of a HEAD's stream nothing is ever asked.
      if !isHead { results.start() }
      return HTTPResponse(
        status: 200,
        headers: [HTTPField("Content-Type", "application/x-ndjson"), HTTPField("Cache-Control", "no-store")],
        body: .stream(results.stream))
    }
  }

  // MARK: - All batches

  func listBatches(_ call: Call) throws(APIError) {
    let limit = call.integer("limit") ?? Self.defaultPage
    var before: JobID?
    if let text = call.query["cursor"] {
      guard let id = JobID(text), batchIssuer.issued(id) else {
        throw .badRequest("the cursor is not one that this server gave out")
      }
      before = id
    }
    let start = before
    later(call) { [self] in
      let page = try await store.batches(before: start, limit: limit)
      let next = page.count == limit ? page.last?.id : nil
      var headers = [HTTPField("Content-Type", "application/json")]
      if let next { headers.append(HTTPField("Link", "</v1/batches?limit=\(limit)&cursor=\(next)>; rel=\"next\"")) }
      return HTTPResponse(status: 200, headers: headers, body: .bytes(BatchDocument.page(page, next: next)))
    }
  }

  // MARK: -

  private func document(_ batch: Batch, status: Int, _ headers: [HTTPField]) -> HTTPResponse {
    var headers = headers + [HTTPField("Content-Type", "application/json")]
    if !batch.isDone { headers.append(HTTPField("Retry-After", "1")) }
    return HTTPResponse(status: status, headers: headers, body: .bytes(BatchDocument.bytes(batch)))
  }

  private static func etag(_ batch: Batch) -> String { EntityTag.strong(BatchDocument.bytes(batch)) }

  /// An id that has no row: was it ever given out?
  private func missingBatch(_ id: JobID) -> APIError {
    batchIssuer.issued(id) ? .batchGone : .notFound("there is no such batch")
  }
}

/// Whether the client of an exchange is still there, for a request that is at work elsewhere.
@LoopActor
private final class ClientPresence {
  private(set) var hasLeft = false

  init(_ exchange: HTTPExchange) {
    exchange.onClientGone = { [weak self] in self?.hasLeft = true }
  }
}
