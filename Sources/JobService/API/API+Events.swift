import EventLoop
import HTTPServer
import JobModel
import JobStore

/// `/v1/events` and `/v1/jobs/{id}/events`: Server-Sent Events.
extension API {
  private static let streamHeaders = [
    HTTPField("Content-Type", "text/event-stream"),
    // A reply without an end must not wait in anybody's buffer: no-transform and X-Accel-Buffering tell proxies so.
    HTTPField("Cache-Control", "no-store, no-transform"), HTTPField("X-Accel-Buffering", "no"),
  ]

  /// Everybody's events, from now or from `Last-Event-ID` on.
  func watchAll(_ call: Call) throws(APIError) {
    let lastSeen = try resumption(call)
    if call.head.method == .head { return send(call, Self.streamReply(.empty)) }
    let watcher: EventWatcher
    if case .after(let number)? = lastSeen {
      watcher = events.watch(nil, after: number)
    } else {
      watcher = events.watch(nil, after: nil)
      // Who has seen events that cannot be given again must look at the jobs themselves.
      if lastSeen == .lost { watcher.stream.write(Array("event: missed\ndata: {}\n\n".utf8)) }
    }
    events.begin(watcher)
    send(call, Self.streamReply(.stream(watcher.stream)))
  }

  /// One job's events: its present state, or what came after `Last-Event-ID`, and then each one until its end.
  func watch(_ call: Call) throws(APIError) {
    let lastSeen = try resumption(call)
    let id = call.id
    let isHead = call.head.method == .head
    var client: EventWatcher?
    if !isHead {
      var number: UInt64?
      if case .after(let last)? = lastSeen { number = last }
      // In line before the job is read, so that no event falls between the two.
      client = events.watch(id, after: number)
      call.exchange.onClientGone = { [events] in if let client { events.end(client) } }
    }
    let watcher = client
    later(call) { [self] in
      let job: Job?
      do {
        job = try await current(id)
      } catch {
        if let watcher { events.end(watcher) }
        throw error
      }
      guard let job else {
        if let watcher { events.end(watcher) }
        throw missing(id)
      }
      guard let watcher else { return Self.streamReply(.empty) }
      var isResumed = false
      if case .after? = lastSeen { isResumed = true }
      if !isResumed { tellPresent(job, to: watcher) }
      if !isResumed && job.state.isFinal {
        events.end(watcher)
      } else {
        events.begin(watcher)
        if job.state.isFinal, watcher.pace == .live, watcher.stream.isOpen {
          // The client has seen the end. 204 tells its EventSource not to ask again (HTML, 9.2.3).
          events.end(watcher)
          return HTTPResponse(status: 204)
        }
      }
      return Self.streamReply(.stream(watcher.stream))
    }
  }

  private func tellPresent(_ job: Job, to watcher: EventWatcher) {
    watcher.knows(revision: job.revision, head: events.ring.head)
    let eventID = events.eventID(watcher.next - 1)
    var text: [UInt8] = []
    if let progress = job.progress, !job.state.isFinal {
      JobEvent(id: job.id, revision: job.revision, .progress(progress)).write(named: eventID, into: &text)
    }
    JobEvent(stateOf: job).write(named: eventID, into: &text)
    watcher.stream.write(text)
  }

  private static func streamReply(_ body: HTTPResponse.Body) -> HTTPResponse {
    HTTPResponse(status: 200, headers: streamHeaders, body: body)
  }

  private func resumption(_ call: Call) throws(APIError) -> EventFeed.Resumption? {
    guard let text = call.head.header("Last-Event-ID"), !text.isEmpty else { return nil }
    let resumption = events.resumption(text)
    if resumption == .malformed { throw .badRequest("Last-Event-ID is not an id of this server's events") }
    return resumption
  }
}
