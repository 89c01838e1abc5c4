import EventLoop
import JobModel

/// Jobs: `/v1/jobs` and what is below it.
extension Contract {
  static let jobs = Resource(
    "/v1/jobs", tag: .jobs,
    get: Operation(
      "listJobs", "List jobs, newest first", example: "'localhost:8080/v1/jobs?state=failed&limit=10'", scope: .read,
      query: [
        QueryParameter("state", .oneOf(JobState.allCases.map(\.rawValue)), "Only jobs in this state."),
        QueryParameter("handler", .name, "Only jobs of this handler."),
        QueryParameter("queue", .queueName, "Only jobs of this queue."),
        QueryParameter("batch", .readLater(.string(format: "uuid")), "Only jobs of this batch."),
        QueryParameter("limit", .integer(API.pageLimit), "Jobs on a page; \(API.defaultPage) without it."),
        QueryParameter("cursor", .readLater(.string(format: "uuid")), "The `next_cursor` of the page before."),
      ],
      replies: [.json(200, "A page of jobs.", .reference("JobPage"), [.link])]
    ) { api, call throws(APIError) in try api.list(call) },
    post: Operation(
      "submitJob", "Submit a job",
      details: """
        The reply comes when the job is durable. With `?handler=NAME` the request body itself, of any media type, is the \
        handler's input, streamed to disk; the options and `args` then stand in the query, as for `/v1/run/NAME`.
        """,
      example: """
        -i localhost:8080/v1/jobs -d '{"handler": "count_primes", "args": {"below": 1000000}}'
        """, scope: .submit, takesWork: true, query: [.wait, .handlerOfBody] + QueryParameter.besideHandler,
      headers: [.prefer, .idempotencyKey] + RequestHeader.trace, body: .submit,
      replies: [
        .json(
          200, "The job, which ended within the wait; or the one that has its unique key, and has not ended.",
          .reference("Job"), [.location, .retryAfter.sometimes, .preferenceApplied]),
        .json(202, "The job, which is durable.", .reference("Job"), [.location, .retryAfter, .preferenceApplied]),
        .beingHandled,
      ]
    ) { api, call throws(APIError) in try api.submit(call) })

  static let job = Resource(
    "/v1/jobs/{id}", .jobID, tag: .jobs,
    get: Operation(
      "showJob", "A job's status",
      details: "With a wait it answers when the job has ended; with `If-None-Match` too, at any change.",
      example: "'localhost:8080/v1/jobs/ID?wait=30'", scope: .read,
      query: [.wait], headers: [.prefer, .ifNoneMatch],
      replies: [
        .json(200, "The job.", .reference("Job"), [.etag, .retryAfter.sometimes, .preferenceApplied]), .notModified,
      ]
    ) { api, call throws(APIError) in try api.show(call) },
    delete: Operation(
      "deleteJob", "Forget a job that has ended", scope: .operate,
      replies: [.empty(204, "It is forgotten."), .problem(409, "The job has not ended.")]
    ) { api, call throws(APIError) in try api.delete(call) })

  static let jobResult = Resource(
    "/v1/jobs/{id}/result", .jobID, tag: .jobs,
    get: Operation(
      "showJobResult", "The bare result", details: "With its own media type.", scope: .read,
      replies: [
        .body("*/*", "The result."), .problem(406, "The result's media type is none that is wanted."),
        .problem(409, "The job has not ended, or did not succeed: then `job_error` says why.", [.retryAfter.sometimes]),
      ]
    ) { api, call throws(APIError) in try api.result(call) })

  static let jobLog = Resource(
    "/v1/jobs/{id}/log", .jobID, tag: .jobs,
    get: Operation(
      "showJobLog", "What the handler printed", scope: .read, replies: [.body("text/plain", "The log.")]
    ) { api, call throws(APIError) in try api.printed(call) })

  static let jobCancel = Resource(
    "/v1/jobs/{id}/cancel", .jobID, tag: .jobs,
    post: Operation(
      "cancelJob", "Cancel a job", details: "A queued job never starts; a running one is stopped.", scope: .operate,
      replies: [
        .json(200, "The job, which is cancelled.", .reference("Job"), [.location]),
        .json(202, "The job, which is being stopped.", .reference("Job"), [.location]),
        .problem(409, "The job had ended before."),
      ]
    ) { api, call throws(APIError) in try api.cancel(call) })

  static let jobExplanation = Resource(
    "/v1/jobs/{id}/explain", .jobID, tag: .jobs,
    get: Operation(
      "explainJob", "Why a job is where it is", details: "Its place in line, what it waits for, and an estimate.",
      scope: .read, replies: [.json(200, "The explanation.", .reference("Explanation"))]
    ) { api, call throws(APIError) in try api.explain(call) })

  static let jobRetry = Resource(
    "/v1/jobs/{id}/retry", .jobID, tag: .jobs,
    post: Operation(
      "retryJob", "Queue a failed or cancelled job once more", scope: .operate, takesWork: true,
      replies: [
        .json(202, "The job, which is queued.", .reference("Job"), [.location]),
        .problem(409, "The job neither failed nor was cancelled, or another one has its unique key now."),
      ]
    ) { api, call throws(APIError) in try api.retry(call) })
}

extension QueryParameter {
  /// Makes the body of a submit the input itself.
  static let handlerOfBody = QueryParameter(
    "handler", .readLater(.string), "The handler whose input the body is."
  ).conditional

  /// What a submit has in its query where its body is the input itself.
  static let inputOptions: [QueryParameter] = args + JobOption.all.map(option)

  static func option(_ option: JobOption) -> QueryParameter {
    var parameter = QueryParameter(
      option.name, option.isJSONInQuery ? .json(option.schema) : .readLater(option.schema), option.meaning)
    parameter.isJobOption = true
    return parameter
  }

  static let besideHandler: [QueryParameter] = inputOptions.map(\.conditional)
}
