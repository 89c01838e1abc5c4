import EventLoop
import JobModel

/// Recurring jobs: `/v1/schedules` and below.
extension Contract {
  static let schedules = Resource(
    "/v1/schedules", tag: .schedules,
    get: Operation(
      "listSchedules", "List schedules by name", scope: .read,
      query: [
        QueryParameter("limit", .integer(API.pageLimit), "Schedules on a page; \(API.defaultPage) without it."),
        QueryParameter("cursor", .readLater(.string), "The `next_cursor` of the page before."),
      ],
      replies: [.json(200, "A page of schedules.", .reference("SchedulePage"), [.link])]
    ) { api, call throws(APIError) in try api.listSchedules(call) })

  static let schedule = Resource(
    "/v1/schedules/{name}", .name, nameSchema: .string(pattern: ScheduleDocument.namePattern), tag: .schedules,
    get: Operation(
      "showSchedule", "One schedule", scope: .read, headers: [.ifNoneMatch],
      replies: [.json(200, "The schedule.", .reference("Schedule"), [.etag]), .notModified]
    ) { api, call throws(APIError) in try api.showSchedule(call) },
    put: Operation(
      "putSchedule", "Make or replace a schedule",
      details: """
        `cron` has five fields: minute, hour, day of the month, month, day of the week; or is `@hourly`, `@daily`, \
        `@weekly`, `@monthly` or `@yearly`. Where both days are restricted, either suffices. A time that the clocks are \
        put forward over is due at the change, and one that comes twice is due the first time; what comes every hour or \
        every few minutes goes by the time that passes. A run that is more than a minute late was missed: `skip` leaves \
        it out, `once` makes one job for all that were missed. A schedule that is resumed goes on from then: what was \
        due while it was paused was not missed. There can be \(ScheduleDocument.countLimit) schedules.
        """, scope: .operate, headers: [.ifMatch, .ifNoneMatchOfChange], body: .json(.reference("SchedulePut")),
      replies: [
        .json(200, "The schedule, in the place of another.", .reference("Schedule"), [.etag]),
        .json(201, "The new schedule.", .reference("Schedule"), [.etag, .location]),
        .problem(409, "There are too many schedules."),
        .problem(412, "The schedule is not what the request's condition says."),
      ]
    ) { api, call throws(APIError) in try api.putSchedule(call) },
    delete: Operation(
      "deleteSchedule", "Delete a schedule", details: "The jobs that it made stay.", scope: .operate,
      headers: [.ifMatch, .ifNoneMatchOfChange],
      replies: [
        .empty(204, "It is deleted."), .problem(412, "The schedule is not what the request's condition says."),
      ]
    ) { api, call throws(APIError) in try api.deleteSchedule(call) })
}

extension RequestHeader {
  static let ifMatch = RequestHeader(
    name: "If-Match", schema: .string,
    meaning: "Only if the schedule still has one of these `ETag`s; `*`: if it exists.")
  static let ifNoneMatchOfChange = RequestHeader(
    name: "If-None-Match", schema: .string, meaning: "`*`: only if there is none of this name.")
}
