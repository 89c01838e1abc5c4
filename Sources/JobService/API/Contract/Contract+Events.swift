import EventLoop

/// Server-Sent Events.
extension Contract {
  static let events = Resource(
    "/v1/events", tag: .events,
    get: Operation(
      "watchAll", "What happens to all jobs, as it happens",
      details: """
        A job of a batch is told of from when it starts or is cancelled, not when it is queued. \
        After `event: missed` the client must look at the jobs themselves: what happened since its `Last-Event-ID` \
        cannot be told any more. A client that reads too slowly is let go, and may ask again.
        """, example: "-N localhost:8080/v1/events", scope: .read, headers: [.lastEventID],
      replies: [.events("Events without end.")]
    ) { api, call throws(APIError) in try api.watchAll(call) })

  static let jobEvents = Resource(
    "/v1/jobs/{id}/events", .jobID, tag: .events,
    get: Operation(
      "watchJob", "What happens to a job, until it ends",
      details: "Begins with the job's present state, or with what came after `Last-Event-ID`.", scope: .read,
      headers: [.lastEventID],
      replies: [
        .events("Events until the job has ended."),
        .empty(204, "The client has seen the job's end: nothing is to come."),
      ]
    ) { api, call throws(APIError) in try api.watch(call) })
}

extension RequestHeader {
  static let lastEventID = RequestHeader(
    name: "Last-Event-ID", schema: .string(pattern: "(?:[0-9a-z]{1,12}-[0-9a-z]{1,12})?"),
    meaning: "The `id` of the last event that the client has seen.")
}
