import EventLoop

/// What can be run: `/v1/handlers` and `/v1/run/{handler}`.
extension Contract {
  static let run = Resource(
    "/v1/run/{handler}", .name, tag: .handlers,
    post: Operation(
      "run", "Submit a job and wait for its result",
      details: """
        The request body is the handler's input: its `args` where that is JSON, and anything at all where the handler takes \
        a body.
        """, example: "--data-binary @FILE localhost:8080/v1/run/sha256", scope: .submit, takesWork: true,
      query: [.wait] + QueryParameter.inputOptions, headers: [.prefer, .idempotencyKey] + RequestHeader.trace,
      body: .handlerInput,
      replies: [
        .body("*/*", "The bare result.", [.location, .preferenceApplied]),
        .json(
          202, "The job, which has not ended within the wait.", .reference("Job"), [.location, .preferenceApplied]),
        .beingHandled,
        .problem(500, "The job failed: `job_error` says why.", [.location.sometimes]),
        .problem(504, "The job timed out: `job_error` says where.", [.location]),
      ]
    ) { api, call throws(APIError) in try api.run(call) })

  static let handlers = Resource(
    "/v1/handlers", tag: .handlers,
    get: Operation(
      "listHandlers", "What can be run", scope: .read,
      replies: [
        .json(200, "All handlers.", .object([.init("handlers", .array(of: .reference("Handler")))]))
      ]
    ) { api, call throws(APIError) in api.send(call, api.handlersReply) })

  static let handler = Resource(
    "/v1/handlers/{name}", .name, tag: .handlers,
    get: Operation(
      "showHandler", "One handler", details: "Its executor, its limits, and the JSON Schema of its input.",
      scope: .read,
      replies: [.json(200, "The handler.", .reference("Handler"))]
    ) { api, call throws(APIError) in try api.handler(call) })
}
