import EventLoop

/// Queues: `/v1/queues` and what is below it.
extension Contract {
  static let queues = Resource(
    "/v1/queues", tag: .queues,
    get: Operation(
      "listQueues", "The queues, by name",
      details: "Those with jobs that have not ended, those that are paused, and `default`.", scope: .read,
      query: [
        QueryParameter(
          "limit", .integer(API.queuePageLimit), "Queues on a page; \(API.queuePageLimit.upperBound) without it."),
        QueryParameter("cursor", .queueName, "The `next_cursor` of the page before."),
      ],
      replies: [.json(200, "A page of queues.", .reference("QueuePage"), [.link])]
    ) { api, call throws(APIError) in try api.listQueues(call) })

  static let queue = Resource(
    "/v1/queues/{name}", .name, tag: .queues,
    get: Operation(
      "showQueue", "One queue", details: "A queue that nobody has used is an empty one.", scope: .read,
      replies: [.json(200, "The queue.", .reference("Queue"))]
    ) { api, call throws(APIError) in try api.showQueue(call) })

  static let queuePause = Resource(
    "/v1/queues/{name}/pause", .name, tag: .queues,
    post: Operation(
      "pauseQueue", "Take no more jobs from a queue",
      details: "Those that run go on. A queue stays paused across restarts until it is resumed.", scope: .operate,
      replies: [
        .json(200, "The queue, which is paused.", .reference("Queue")), .problem(409, "Too many queues are paused."),
      ]
    ) { api, call throws(APIError) in try api.pauseQueue(call) })

  static let queueResume = Resource(
    "/v1/queues/{name}/resume", .name, tag: .queues,
    post: Operation(
      "resumeQueue", "Take jobs from a queue again", scope: .operate,
      replies: [.json(200, "The queue, which is not paused.", .reference("Queue"))]
    ) { api, call throws(APIError) in try api.resumeQueue(call) })
}
