import EventLoop
import HTTPServer

/// What an operation takes as a request's body.
struct RequestBodyForm: Sendable {
  struct Content: Sendable {
    let mediaType: String
    let schema: Schema
  }
  typealias Policy = @LoopActor @Sendable (API, HTTPRequestHead, Call.Target) throws(APIError) -> BodyPolicy

  let content: [Content]
  /// Without it the request is refused by whoever reads the body.
  let isRequired: Bool
  /// Asked before anything of the body is read: refuses it, or says where it goes.
  let policy: Policy

  /// A JSON document, held in memory.
  static func json(_ schema: Schema) -> RequestBodyForm {
    RequestBodyForm(content: [Content(mediaType: "application/json", schema: schema)], isRequired: true) {
      api, head, _ throws(APIError) in
      try api.requireJSON(head)
      return .buffer(limitBytes: api.context.limits.jsonBodyBytes)
    }
  }

  /// The input of the handler that the path names.
  static let handlerInput = RequestBodyForm(
    content: [Content(mediaType: "*/*", schema: .any.described("The handler's input, or its `args`."))],
    isRequired: false
  ) { api, head, target throws(APIError) in
    try api.inputPolicy(try api.handler(named: target.name), head)
  }

  /// A submit document, or the input itself where the query names a handler.
  static let submit = RequestBodyForm(
    content: [Content(mediaType: "application/json", schema: .reference("Submit"))], isRequired: true
  ) { api, head, _ throws(APIError) in
    guard let name = try api.query(head)["handler"] else {
      try api.requireJSON(head)
      return .buffer(limitBytes: api.context.limits.jsonBodyBytes)
    }
    return try api.inputPolicy(try api.submittedHandler(named: name), head)
  }
}
