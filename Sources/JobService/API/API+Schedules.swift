import EventLoop
import HTTPServer
import JobModel
import JobStore
import StrictJSON

/// Recurring jobs: `/v1/schedules` and `/v1/schedules/{name}`.
extension API {
  func listSchedules(_ call: Call) throws(APIError) {
    let limit = call.integer("limit") ?? Self.defaultPage
    let after = call.query["cursor"]
    if let after, !ScheduleDocument.isName(after) {
      throw .badRequest("the cursor is not one that this server gave out")
    }
    later(call) { [self] in
      // One more than wanted tells whether there is another page.
      var found = try await store.schedules(after: after, limit: limit + 1)
      let hasMore = found.count > limit
      if hasMore { found.removeLast() }
      let next = hasMore ? found.last?.name : nil
      var headers = [HTTPField("Content-Type", "application/json")]
      if let next { headers.append(HTTPField("Link", "</v1/schedules?limit=\(limit)&cursor=\(next)>; rel=\"next\"")) }
      var writer = JSONWriter(reservingBytes: found.count * 1024 + 64)
      writer.beginObject()
      writer.key("schedules")
      writer.beginArray()
      for schedule in found { ScheduleDocument.write(schedule, into: &writer) }
      writer.endArray()
      writer.field("next_cursor", next)
      writer.endObject()
      return HTTPResponse(status: 200, headers: headers, body: .bytes(writer.bytes))
    }
  }

  func showSchedule(_ call: Call) throws(APIError) {
    let name = call.name
    let condition = call.head.header("If-None-Match")
    later(call) { [self] in
      guard let schedule = try await store.schedule(name) else { throw Self.noSchedule }
      let response = Self.response(schedule, status: 200)
      let matches = condition.map { EntityTag.matches($0, ScheduleTag.text(schedule)) } ?? false
      return matches ? response.notModified() : response
    }
  }

  func putSchedule(_ call: Call) throws(APIError) {
    let name = call.name
    guard ScheduleDocument.isName(name) else {
      throw .refused("a schedule's name is up to 64 letters, digits, '.', '_' and '-', the first no sign")
    }
    guard case .bytes(let body) = call.exchange.body else { throw .badRequest("the request has no body") }
    let schedule = try ScheduleDocument.read(body, name: name, handlers: dispatcher.handlers, now: .now)
    let condition = try ScheduleTag.condition(call.head)
    later(call) { [self] in
      switch try await store.putSchedule(schedule, if: condition, limit: ScheduleDocument.countLimit) {
      case .created(let schedule):
        schedulesChanged()
        return Self.response(schedule, status: 201, [HTTPField("Location", ScheduleDocument.path(name))])
      case .replaced(let schedule):
        schedulesChanged()
        return Self.response(schedule, status: 200)
      case .conditionFailed: throw Self.changedMeanwhile
      case .tooMany:
        throw APIError.conflict(
          "there are \(ScheduleDocument.countLimit) schedules already; delete one first", retryAfterSeconds: nil)
      }
    }
  }

  func deleteSchedule(_ call: Call) throws(APIError) {
    let name = call.name
    let condition = try ScheduleTag.condition(call.head)
    later(call) { [self] in
      switch try await store.deleteSchedule(name, if: condition) {
      case .deleted:
        schedulesChanged()
        return HTTPResponse(status: 204)
      case .conditionFailed: throw Self.changedMeanwhile
      case .unknown: throw Self.noSchedule
      }
    }
  }

  /// Tells the acceptor that keeps the schedules, whichever it is.
  private func schedulesChanged() {
    dispatcher.identity.postToAll(.schedulesChanged)
    dispatcher.listener?.schedulesChanged()
  }

  private static func response(_ schedule: Schedule, status: Int, _ headers: [HTTPField] = []) -> HTTPResponse {
    let headers =
      headers + [
        HTTPField("Content-Type", "application/json"), HTTPField("ETag", ScheduleTag.text(schedule)),
        HTTPField("Cache-Control", "no-cache"),
      ]
    return HTTPResponse(PreparedResponse(status: status, headers: headers, bytes: ScheduleDocument.bytes(schedule)))
  }

  private static var noSchedule: APIError { .notFound("there is no such schedule") }
  private static var changedMeanwhile: APIError {
    .preconditionFailed("the schedule is not what the request's condition says")
  }
}
