import EventLoop
import HTTPServer
import JobStore

/// Batches: `/v1/batches` and what is below it.
extension Contract {
  static let batches = Resource(
    "/v1/batches", tag: .batches,
    get: Operation(
      "listBatches", "List batches, newest first", scope: .read,
      query: [
        QueryParameter("limit", .integer(API.pageLimit), "Batches on a page; \(API.defaultPage) without it."),
        QueryParameter("cursor", .readLater(.string(format: "uuid")), "The `next_cursor` of the page before."),
      ],
      replies: [.json(200, "A page of batches.", .reference("BatchPage"), [.link])]
    ) { api, call throws(APIError) in try api.listBatches(call) },
    post: Operation(
      "submitBatch", "Run one handler over many inputs",
      details: """
        The body is a document with an array of inputs, or, with `?handler=NAME`, one input a line (NDJSON); the options \
        then stand in the query. All inputs become durable together or none does. Each becomes a job of its own, which \
        may take a moment after the reply; until then it is counted as what it will be.
        """, scope: .submit, takesWork: true, query: [.handlerOfLines] + QueryParameter.besideLines,
      headers: RequestHeader.trace, body: .batch,
      replies: [.json(202, "The batch, which is durable.", .reference("Batch"), [.location, .retryAfter])]
    ) { api, call throws(APIError) in try api.submitBatch(call) })

  static let batch = Resource(
    "/v1/batches/{id}", .batchID, tag: .batches,
    get: Operation(
      "showBatch", "A batch's counts",
      details: "With a wait it answers when all jobs have ended; with `If-None-Match` too, at any change.",
      scope: .read, query: [.wait], headers: [.prefer, .ifNoneMatch],
      replies: [
        .json(200, "The batch.", .reference("Batch"), [.etag, .retryAfter.sometimes, .preferenceApplied]),
        .notModified,
      ]
    ) { api, call throws(APIError) in try api.showBatch(call) })

  static let batchResults = Resource(
    "/v1/batches/{id}/results", .batchID, tag: .batches,
    get: Operation(
      "streamBatchResults", "What came of the inputs, a line each",
      details: """
        NDJSON: `{"index": 3, "id": "…", "state": "succeeded", "result": …, "error": null, "cursor": 17}`. The stream \
        goes on until the batch is done, and is broken off, without the end that chunked coding has, if the server stops \
        first. To go on after a break, give the `cursor` of the last line as `after`, in the same order: what has ended \
        since comes at once, and the stream waits for what has not. Behind the last line of a batch that is done there is \
        nothing: an empty 200. A result that is not JSON, or is larger than 64 KiB, is `null`: `result_type`, \
        `result_bytes` and `result_link` then say what and where it is.
        """, example: "-N 'localhost:8080/v1/batches/ID/results?order=submitted&after=17'", scope: .read,
      query: [
        QueryParameter(
          "order", .oneOf(BatchOrder.allCases.map(\.rawValue)),
          """
          `completed`, the default: as each ends, and again where a job is retried and ends again. `submitted`: as the \
          inputs came, each once.
          """),
        QueryParameter(
          "after", .integer(BatchCursor.range),
          "The `cursor` of the last line that the client has. One that no line has had, in this order, is refused.",
          takes: "cursor"),
      ],
      replies: [.lines("A line for each job that has ended.", .reference("BatchResult"))]
    ) { api, call throws(APIError) in try api.streamBatchResults(call) })

  static let batchCancel = Resource(
    "/v1/batches/{id}/cancel", .batchID, tag: .batches,
    post: Operation(
      "cancelBatch", "Cancel what has not ended", scope: .operate,
      replies: [
        .json(200, "The batch, all of whose jobs have ended.", .reference("Batch"), [.location]),
        .json(202, "The batch, which is being stopped.", .reference("Batch"), [.location]),
        .problem(409, "All jobs of the batch had ended before."),
      ]
    ) { api, call throws(APIError) in try api.cancelBatch(call) })
}

extension QueryParameter {
  static let handlerOfLines = QueryParameter(
    "handler", .name, "The handler; the body then is one input a line."
  ).conditional

  /// What stands in the query where the body is lines.
  static let besideLines: [QueryParameter] = {
    let chunkSize = QueryParameter(
      "chunk_size", .integer(BatchRequest.chunkSizes), "Inputs that a worker is given at once; 1 without it.")
    return ([chunkSize] + BatchRequest.jobOptions.map(option)).map(\.conditional)
  }()
}

extension RequestBodyForm {
  /// A document, or lines where the query names a handler: spooled, since it may be large.
  static let batch = RequestBodyForm(
    content: [
      Content(mediaType: "application/json", schema: .reference("SubmitBatch")),
      Content(mediaType: "application/x-ndjson", schema: .any),
    ], isRequired: true
  ) { api, head, _ throws(APIError) in
    if let name = try api.query(head)["handler"] {
      _ = try api.submittedHandler(named: name)
      try api.requireLines(head)
    } else {
      try api.requireJSON(head)
    }
    let limits = api.context.limits
    return .spool(
      limitBytes: limits.bodyBytes, memoryLimitBytes: limits.inlineInputBytes, folder: api.context.spool.path)
  }
}
