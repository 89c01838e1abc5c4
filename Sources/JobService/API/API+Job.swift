import EventLoop
import HTTPServer
import JobModel
import JobStore

/// One job: `/v1/jobs/{id}` and what is below it.
extension API {
  func show(_ call: Call) throws(APIError) {
    let (exchange, id) = (call.exchange, call.id)
    let wait = call.wait
    let condition = exchange.head.header("If-None-Match")
    memory.counters.add(.cacheMisses, seat: dispatcher.identity.seat)
    later(call) { [self] in
      let generation = memory.board.generation(of: id)
      guard var job = try await current(id) else { throw missing(id) }
      var reply = replies.make(job, generation: generation)
      if let wait, wait.seconds > 0, !job.state.isFinal {
        // With a condition any change is news; without one only the end is.
        let known = condition.map { EntityTag.matches($0, reply.etag) } ?? false
        if condition == nil || known {
          let first = job
          let client = JobWaits.Wait()
          exchange.onClientGone = { client.abandon() }
          let isEnough: (Job) -> Bool = { known ? $0 != first : $0.state.isFinal }
          let generation = memory.board.generation(of: id)
          job =
            try await waits.job(id, limit: wait.duration, wait: client, isEnough: isEnough) {
              () async throws(StoreError) in try await self.current(id)
            } ?? job
          reply = replies.make(job, generation: generation)
        }
      }
      let matches = condition.map { EntityTag.matches($0, reply.etag) } ?? false
      if let wait, !wait.headers.isEmpty, !matches {
        // What was applied is this request's own: not part of the ready-made reply.
        var headers = wait.headers + [HTTPField("ETag", reply.etag), HTTPField("Cache-Control", "no-cache")]
        if let seconds = RetryAfter.seconds(job) { headers.append(HTTPField("Retry-After", "\(seconds)")) }
        return document(job, status: 200, headers)
      }
      return matches ? reply.notModified : reply.response
    }
  }

  func delete(_ call: Call) throws(APIError) {
    let id = call.id
    later(call) { [self] in
      switch try await store.delete(id) {
      case .deleted(let files, let batch):
        memory.board.markChanged(id)
        replies.forget(id)
        if let batch { dispatcher.bell.ring(batch) }
        context.discard(files)
        return HTTPResponse(status: 204)
      case .notEnded:
        throw APIError.conflict("the job has not ended; cancel it first", retryAfterSeconds: nil)
      case .unknown:
        throw missing(id)
      }
    }
  }

  func cancel(_ call: Call) throws(APIError) {
    let id = call.id
    later(call) { [self] in
      let location = [HTTPField("Location", JobDocument.path(id))]
      switch try await dispatcher.cancel(id) {
      case .cancelled(let job): return document(job, status: 200, location)
      case .stopping(let job): return document(job, status: 202, location)
      case .alreadyEnded(let job):
        throw APIError.conflict("the job had ended before; it is \(job.state.rawValue)", retryAfterSeconds: nil)
      case .unknown: throw missing(id)
      }
    }
  }

  func retry(_ call: Call) throws(APIError) {
    let id = call.id
    try admit()
    later(call) { [self] in
      switch try await store.retry(id, now: .now) {
      case .queued(let job):
        dispatcher.announce(job)
        return document(job, status: 202, [HTTPField("Location", JobDocument.path(id))])
      case .refused(let job):
        throw APIError.conflict(
          "only a job that failed or was cancelled can be tried again; this one is \(job.state.rawValue)",
          retryAfterSeconds: nil)
      case .uniqueKeyTaken(let other):
        throw APIError.conflict("the job \(other.id) has its unique key now, and has not ended", retryAfterSeconds: nil)
      case .unknown: throw missing(id)
      }
    }
  }

  func result(_ call: Call) throws(APIError) {
    let id = call.id
    let accept = call.head.headerList("Accept")
    later(call) { [self] in
      guard let job = try await store.job(id) else { throw missing(id) }
      switch job.state {
      case .succeeded:
        if let type = job.result?.mediaType, let accept, !AcceptedTypes.allow(type, in: accept) {
          throw APIError.notAcceptable("the result is \(type)")
        }
        return try await resultResponse(job, [])
      case .failed, .cancelled: throw APIError.jobHasNoResult(job)
      case .scheduled, .queued, .running:
        throw APIError.conflict("the job has not ended", retryAfterSeconds: RetryAfter.seconds(job))
      }
    }
  }

  /// The bare result of a job that succeeded.
  func resultResponse(_ job: Job, _ headers: [HTTPField]) async throws -> HTTPResponse {
    guard let result = job.result else { preconditionFailure("a job that succeeded has a result") }
    let headers = headers + [HTTPField("Content-Type", result.mediaType)] + SecurityHeaders.stranger
    switch result.body {
    case .bytes(let bytes): return HTTPResponse(status: 200, headers: headers, body: .bytes(bytes))
    case .file(let name):
      let file: Int32
      do {
        file = try context.spool.openFile(name)
      } catch {
        // Between the row and its file the job may have been deleted, or have expired.
        guard try await store.job(job.id) != nil else { throw missing(job.id) }
        throw error
      }
      let range = FileRange(descriptor: file, byteCount: result.byteCount)
      return HTTPResponse(status: 200, headers: headers, body: .file(range))
    }
  }

  func printed(_ call: Call) throws(APIError) {
    let id = call.id
    later(call) { [self] in
      guard let text = try await store.log(id) else { throw missing(id) }
      // What the attempt here printed since it was last written.
      let fresh = dispatcher.attempts[id]?.log.pending ?? []
      let headers = [HTTPField("Content-Type", "text/plain; charset=utf-8")] + SecurityHeaders.stranger
      return HTTPResponse(status: 200, headers: headers, body: .bytes(text + fresh))
    }
  }
}
