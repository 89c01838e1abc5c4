import EventLoop
import HTTPServer
import JobModel

/// What one method does to one resource: everything that a client may say, and everything that it may be told.
///
/// The server checks requests by this declaration before ``perform`` is called, and `/openapi.json` is written from it.
final class Operation: Sendable {
  typealias Perform = @LoopActor @Sendable (API, Call) throws(APIError) -> Void

  /// Its name in generated clients.
  let id: String
  let summary: String
  /// Further sentences for people.
  let details: String
  /// What follows `curl ` in an example; made of the template where there is none.
  let example: String?
  /// What a token must allow; `nil`: none is needed.
  let scope: Scope?
  /// It makes jobs: refused before its body is read while the server is draining, or has too many waiting.
  let takesWork: Bool
  let query: [QueryParameter]
  let headers: [RequestHeader]
  /// `nil`: a request may have no body.
  let body: RequestBodyForm?
  /// Without those that follow from the rest of the declaration.
  let replies: [ReplyForm]
  let perform: Perform
  /// What it answers with where that is one and known beforehand: a client that takes no such thing is told 406.
  let fixedMediaType: String?

  init(
    _ id: String, _ summary: String, details: String = "", example: String? = nil, scope: Scope?,
    takesWork: Bool = false,
    query: [QueryParameter] = [], headers: [RequestHeader] = [], body: RequestBodyForm? = nil, replies: [ReplyForm],
    perform: @escaping Perform
  ) {
    self.id = id
    self.summary = summary
    self.details = details
    self.example = example
    self.scope = scope
    self.takesWork = takesWork
    self.query = query
    self.headers = headers
    self.body = body
    self.replies = replies
    self.perform = perform
    let types = replies.filter { $0.status < 300 }.compactMap { $0.content?.mediaType }
    fixedMediaType = types.first.flatMap { type in
      type == "*/*" || types.contains { $0 != type } ? nil : type
    }
  }
}

extension Operation {
  /// What a token must allow, as a sentence; empty where none is needed.
  var permission: String { scope.map { "Where tokens are asked for: scope `\($0.rawValue)`." } ?? "" }
}

typealias Scope = TokenScope

/// A header field of a request that an operation reads.
struct RequestHeader: Sendable {
  let name: String
  let schema: Schema
  let meaning: String

  static let prefer = RequestHeader(
    name: "Prefer", schema: .string,
    meaning: "`wait=N` (RFC 7240) waits for the job's end; what is not known is ignored.")
  static let idempotencyKey = RequestHeader(
    name: "Idempotency-Key", schema: .string(pattern: IdempotencyKey.pattern),
    meaning: """
      The same key with the same request gives the first reply again, and makes nothing; with another request it is 422. \
      A key is remembered for 24 hours.
      """)
  /// Of whatever makes jobs. What is malformed is ignored, so the schema asks for nothing.
  static let trace = [
    RequestHeader(
      name: "traceparent", schema: .string,
      meaning: """
        W3C Trace Context, such as `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`: is kept with the job, stands \
        in the log, and goes on, with a parent-id of its own, in callbacks and in what `http_fetch` sends. What is malformed \
        is ignored.
        """),
    RequestHeader(
      name: "tracestate", schema: .string,
      meaning: "Beside `traceparent`: goes on as it came, up to \(TraceContext.stateLimitBytes) characters."),
  ]
  static let ifNoneMatch = RequestHeader(
    name: "If-None-Match", schema: .string, meaning: "An `ETag` that the client has: 304 while it is the present one.")
}
