import JobModel

extension Schemas {
  static let ofBatches: [(name: String, schema: Schema)] = [
    ("Batch", batch), ("BatchPage", batchPage), ("BatchResult", batchResult),
  ]

  private static let batch = Schema.object([
    .init("id", id), .init("handler", .string), .init("total", .integer(1...BatchRequest.inputLimit)),
    .init("chunk_size", .integer(BatchRequest.chunkSizes)),
    .init(
      "counts",
      .object(JobState.allCases.map { .init($0.rawValue, .integer(0...BatchRequest.inputLimit)) })
        .described("Jobs by state. Those that were deleted or have expired are in none.")),
    .init("done", .boolean.described("All jobs have ended.")),
    .init("created_at", time), .init("finished_at", time.orNull),
    .init("links", .object(["self", "results", "cancel", "jobs"].map { .init($0, path) })),
  ])

  private static let batchPage = Schema.object([
    .init("batches", .array(of: .reference("Batch"))),
    .init("next_cursor", .string.orNull.described("Of the next page, where there is one.")),
  ])

  private static let batchResult = Schema.object([
    .init("index", .integer(0...(BatchRequest.inputLimit - 1)).described("Of its input, from 0.")), .init("id", id),
    .init("state", .string(oneOf: JobState.allCases.filter(\.isFinal).map(\.rawValue))),
    .init("result", .any.described("The result where it is JSON of at most 64 KiB, as the handler gave it.")),
    .init("error", .reference("JobError").orNull),
    .optional("result_type", .string.described("Of a result that stands elsewhere.")),
    .optional("result_bytes", .integer(0...)), .optional("result_link", path),
    .init(
      "cursor",
      .integer(BatchCursor.range).described("To go on behind this line, in the same order: `after` takes it.")),
  ])
}
