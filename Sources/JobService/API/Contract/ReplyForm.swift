/// One status that an operation answers with, and what comes along.
struct ReplyForm: Sendable {
  let status: Int
  let meaning: String
  /// `nil`: no body.
  let content: RequestBodyForm.Content?
  let headers: [ReplyHeader]

  static func json(_ status: Int, _ meaning: String, _ schema: Schema, _ headers: [ReplyHeader] = []) -> ReplyForm {
    ReplyForm(
      status: status, meaning: meaning, content: .init(mediaType: "application/json", schema: schema), headers: headers)
  }

  static func body(_ mediaType: String, _ meaning: String, _ headers: [ReplyHeader] = []) -> ReplyForm {
    let schema: Schema = mediaType.hasPrefix("text/") ? .string : .any
    return ReplyForm(
      status: 200, meaning: meaning, content: .init(mediaType: mediaType, schema: schema), headers: headers)
  }

  /// A stream of Server-Sent Events; the schema is that of one event.
  static func events(_ meaning: String) -> ReplyForm {
    ReplyForm(
      status: 200, meaning: meaning, content: .init(mediaType: "text/event-stream", schema: .reference("Event")),
      headers: [])
  }

  /// JSON texts, one a line; the schema is that of one of them.
  static func lines(_ meaning: String, _ schema: Schema) -> ReplyForm {
    ReplyForm(
      status: 200, meaning: meaning, content: .init(mediaType: "application/x-ndjson", schema: schema), headers: [])
  }

  static func empty(_ status: Int, _ meaning: String, _ headers: [ReplyHeader] = []) -> ReplyForm {
    ReplyForm(status: status, meaning: meaning, content: nil, headers: headers)
  }

  static func problem(_ status: Int, _ meaning: String, _ headers: [ReplyHeader] = []) -> ReplyForm {
    ReplyForm(
      status: status, meaning: meaning,
      content: .init(mediaType: "application/problem+json", schema: .reference("Problem")), headers: headers)
  }

  /// Its body describes one job.
  var isJob: Bool { content?.schema == .reference("Job") }

  static let beingHandled = problem(
    409, "The request with this `Idempotency-Key` is still being handled.", [.retryAfter])

  static let notModified = empty(304, "It is what the client's `If-None-Match` names.", [.etag])
}

/// A header field of a reply.
struct ReplyHeader: Sendable {
  let name: String
  let schema: Schema
  let meaning: String
  /// Every reply of that status has it.
  var isRequired = true

  /// The same where some replies of the status go without it.
  var sometimes: ReplyHeader {
    var copy = self
    copy.isRequired = false
    return copy
  }

  static let location = ReplyHeader(name: "Location", schema: .string(format: "uri-reference"), meaning: "The job.")
  static let etag = ReplyHeader(
    name: "ETag", schema: .string(pattern: #"(W/)?"[^"]*""#), meaning: "Of what was answered, for `If-None-Match`.")
  static let retryAfter = ReplyHeader(
    name: "Retry-After", schema: .integer(1...86_400), meaning: "Seconds after which asking again makes sense.")
  static let preferenceApplied = ReplyHeader(
    name: "Preference-Applied", schema: .string(pattern: "wait=[0-9]+"),
    meaning: "The wait that was granted to a `Prefer`.", isRequired: false)
  static let link = ReplyHeader(
    name: "Link", schema: .string, meaning: "`rel=\"next\"`: the next page, where there is one.", isRequired: false)
}
