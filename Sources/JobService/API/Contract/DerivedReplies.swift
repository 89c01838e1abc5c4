/// The replies of an operation, with those that follow from what it takes and not from what it does.
enum DerivedReplies {
  /// Each status once, in order; what the operation says of one itself wins.
  static func all(of operation: Operation, _ resource: Resource) -> [ReplyForm] {
    let own = operation.replies
    let derived = derived(operation, resource).filter { reply in !own.contains { $0.status == reply.status } }
    return (own + derived).sorted { $0.status < $1.status }
  }

  private static func derived(_ operation: Operation, _ resource: Resource) -> [ReplyForm] {
    var replies: [ReplyForm] = [
      .problem(400, "A bad or unknown query parameter, malformed HTTP, or a body that is not JSON (`line`, `column`)."),
      .problem(403, "A foreign `Host`, a request of another site's page, or a token without the scope."),
      .problem(408, "The request took too long to come."),
      .problem(413, "The body is too large, or there is one where none belongs."),
      .problem(414, "The request's target is too long."),
      .problem(431, "The header fields are too large."),
      .problem(503, "The store is away, or the server takes no new jobs now.", [.retryAfter]),
    ]
    if operation.scope != nil { replies.append(.problem(401, "No token, or a wrong one.")) }
    if operation.fixedMediaType != nil { replies.append(.problem(406, "It can be given in no wanted media type.")) }
    if resource.parameter != .none { replies.append(.problem(404, "There is no such thing.")) }
    if resource.parameter == .jobID { replies.append(.problem(410, "The job was deleted, or has expired.")) }
    if operation.body != nil {
      replies.append(.problem(415, "The body has a media type or a coding that is not taken here."))
      replies.append(.problem(422, "Understood and not acceptable: `errors` says what, and where."))
    }
    return replies
  }
}
