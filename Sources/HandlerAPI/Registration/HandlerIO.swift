import JobModel

/// What a job's handler is given.
public enum HandlerInput: Sendable {
  /// The job's `args`: JSON text.
  case json([UInt8])
  /// A request body, with the arguments sent beside it.
  case raw(RawBody)
}

/// What became of one run.
public enum HandlerReply: Sendable, Equatable {
  case success(mediaType: String, bytes: [UInt8])
  case failure(kind: JobError.Kind, message: String)

  /// Messages are cut to so many characters: they are kept with the job, and a handler may throw anything.
  static let messageLimit = 4096

  static func failure(_ kind: JobError.Kind, _ message: String) -> HandlerReply {
    // Counted in bytes first: counting characters walks the whole text.
    if message.utf8.count <= messageLimit { return .failure(kind: kind, message: message) }
    let cut = message.prefix(messageLimit)
    return .failure(kind: kind, message: cut.endIndex < message.endIndex ? cut + "…" : message)
  }
}

/// A handler that is ready to run jobs, in the process that made it.
public struct AnyHandlerInstance: Sendable {
  private let body: @Sendable (HandlerInput, JobContext) async -> HandlerReply

  public init(_ body: @escaping @Sendable (HandlerInput, JobContext) async -> HandlerReply) { self.body = body }

  /// Does one job. Whatever goes wrong in it is in the reply.
  public func run(input: HandlerInput, context: JobContext) async -> HandlerReply { await body(input, context) }
}
