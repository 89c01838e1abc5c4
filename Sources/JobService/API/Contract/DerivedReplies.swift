/// The replies of an operation, with those that follow from what it takes and not from what it does.
enum DerivedReplies {
  /// Each status once, in order; what the operation says of one itself wins.
  static func all(of operation: Operation, _ resource: Resource) -> [ReplyForm] {
    let own = operation.replies
    let statuses = Set(statuses(operation, resource)).subtracting(own.map(\.status))
    return (own + shared.filter { statuses.contains($0.status) }).sorted { $0.status < $1.status }
  }

  /// What many operations answer in the same words; the document names them once.
  static let shared: [ReplyForm] = [
    .problem(400, "A bad or unknown query parameter, malformed HTTP, or a body that is not JSON (`line`, `column`)."),
    .problem(401, "No token, or a wrong one."),
    .problem(403, "A foreign `Host`, a request of another site's page, or a token without the scope."),
    .problem(404, "There is no such thing."),
    .problem(406, "It can be given in no wanted media type."),
    .problem(408, "The request took too long to come."),
    .problem(410, "The job was deleted, or has expired; of a batch, all its jobs."),
    .problem(413, "The body is too large, or there is one where none belongs."),
    .problem(414, "The request's target is too long."),
    .problem(415, "The body has a media type or a coding that is not taken here."),
    .problem(
      422, "Understood and not acceptable: `detail` says why, and `errors` what is wrong in the body, and where."),
    .problem(429, "This client sends more requests a second than it may: `detail` names the limit.", [.retryAfter]),
    .problem(431, "The header fields are too large."),
    .problem(503, "The store is away, or the server takes no new jobs now.", [.retryAfter]),
  ]

  private static func statuses(_ operation: Operation, _ resource: Resource) -> [Int] {
    var statuses = [400, 403, 408, 413, 414, 431, 503]
    if resource.isMetered { statuses.append(429) }
    if operation.scope != nil { statuses.append(401) }
    if operation.fixedMediaType != nil { statuses.append(406) }
    if resource.parameter != .none { statuses.append(404) }
    // A request that comes again may be answered from its job, which may have gone meanwhile.
    let mayComeAgain = operation.headers.contains { $0.name == RequestHeader.idempotencyKey.name }
    if mayComeAgain || [.jobID, .batchID].contains(resource.parameter) { statuses.append(410) }
    if operation.body != nil { statuses += [415, 422] }
    return statuses
  }
}
