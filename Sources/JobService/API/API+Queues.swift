import EventLoop
import HTTPServer
import JobModel
import JobStore
import StrictJSON

/// `/v1/queues` and what is below it.
extension API {
  nonisolated static let queuePageLimit = 1...1000

  func listQueues(_ call: Call) throws(APIError) {
    let limit = call.integer("limit") ?? Self.queuePageLimit.upperBound
    let start = call.query["cursor"] ?? ""
    later(call) { [self] in
      let rest = try await store.queues().filter { $0.name > start }
      let page = rest.prefix(limit)
      let next = page.count < rest.count ? page.last?.name : nil
      var headers = [HTTPField("Content-Type", "application/json")]
      if let next { headers.append(HTTPField("Link", "</v1/queues?limit=\(limit)&cursor=\(next)>; rel=\"next\"")) }
      let now = Timestamp.now
      var writer = JSONWriter(reservingBytes: page.count * 256 + 64)
      writer.beginObject()
      writer.key("queues")
      writer.beginArray()
      for queue in page { QueueDocument.write(queue, now: now, into: &writer) }
      writer.endArray()
      writer.field("next_cursor", next)
      writer.endObject()
      return HTTPResponse(status: 200, headers: headers, body: .bytes(writer.bytes))
    }
  }

  func showQueue(_ call: Call) throws(APIError) {
    let name = try queueName(call)
    later(call) { [self] in QueueDocument.response(try await store.queue(name)) }
  }

  func pauseQueue(_ call: Call) throws(APIError) {
    let name = try queueName(call)
    later(call) { [self] in
      switch try await dispatcher.pause(name) {
      case .done(let queue): return QueueDocument.response(queue)
      case .tooMany:
        throw APIError.conflict(
          "\(SQLiteJobStore.pausedQueueLimit) queues are paused already", retryAfterSeconds: nil)
      }
    }
  }

  func resumeQueue(_ call: Call) throws(APIError) {
    let name = try queueName(call)
    later(call) { [self] in
      guard case .done(let queue) = try await dispatcher.resume(name) else {
        preconditionFailure("nothing keeps a queue from being resumed")
      }
      return QueueDocument.response(queue)
    }
  }

  private func queueName(_ call: Call) throws(APIError) -> String {
    guard QueueName.isOne(call.name) else {
      throw .notFound("there is no such queue: a name is \(QueueName.expectation)")
    }
    return call.name
  }
}

/// A queue as clients see it.
enum QueueDocument {
  static func response(_ queue: QueueStatus) -> HTTPResponse {
    var writer = JSONWriter()
    write(queue, now: .now, into: &writer)
    return HTTPResponse(mediaType: "application/json", writer.bytes)
  }

  static func write(_ queue: QueueStatus, now: Timestamp, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("name", queue.name)
    writer.field("paused", queue.isPaused)
    writer.field("depth", queue.queued)
    writer.field("scheduled", queue.scheduled)
    writer.field("running", queue.running)
    writer.field("oldest_queued_at", queue.oldestQueuedAt)
    writer.field("oldest_waiting_ms", milliseconds: queue.oldestQueuedAt.map { max(.zero, $0.duration(to: now)) })
    writer.object("links") {
      $0.field("self", "/v1/queues/\(queue.name)")
      $0.field("jobs", "/v1/jobs?queue=\(queue.name)")
      $0.field("pause", "/v1/queues/\(queue.name)/pause")
      $0.field("resume", "/v1/queues/\(queue.name)/resume")
    }
    writer.endObject()
  }
}
