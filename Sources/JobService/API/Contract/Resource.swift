import HTTPServer

/// What a path names, and the operations on it.
final class Resource: Sendable {
  /// What stands in a path at the template's place in braces.
  enum Parameter: Sendable, Equatable {
    case none
    case jobID
    case name
  }

  /// Such as `/v1/jobs/{id}/result`; also the label of its metrics.
  let template: String
  let parameter: Parameter
  /// Of a name in the path.
  let nameSchema: Schema
  /// The chapter it stands in.
  let tag: Tag
  let get: Operation?
  let post: Operation?
  let put: Operation?
  let delete: Operation?
  /// The methods it takes, as `Allow` lists them.
  let allow: [String]

  /// - Parameter template: has at most one part in braces, which is a whole segment.
  init(
    _ template: String, _ parameter: Parameter = .none, nameSchema: Schema = .name, tag: Tag, get: Operation? = nil,
    post: Operation? = nil, put: Operation? = nil, delete: Operation? = nil
  ) {
    self.template = template
    self.parameter = parameter
    self.nameSchema = nameSchema
    self.tag = tag
    self.get = get
    self.post = post
    self.put = put
    self.delete = delete
    var allow: [String] = []
    if get != nil { allow += ["GET", "HEAD"] }
    if post != nil { allow.append("POST") }
    if put != nil { allow.append("PUT") }
    if delete != nil { allow.append("DELETE") }
    self.allow = allow
  }

  /// Whether requests for it count against their client's rate: all do but the health checks, which must not fail because
  /// somebody else behind the same address is eager.
  var isMetered: Bool { self !== Contract.livez && self !== Contract.readyz }

  /// GET implies HEAD.
  func operation(_ method: HTTPMethod) -> Operation? {
    switch method {
    case .get, .head: get
    case .post: post
    case .put: put
    case .delete: delete
    case .patch, .options, .other: nil
    }
  }

  /// What stands in braces.
  var parameterName: String? {
    guard let start = template.firstIndex(of: "{"), let end = template.firstIndex(of: "}") else { return nil }
    return String(template[template.index(after: start)..<end])
  }

  var operations: [(method: String, operation: Operation)] {
    [("get", get), ("post", post), ("put", put), ("delete", delete)].compactMap { method, operation in
      operation.map { (method, $0) }
    }
  }
}

/// The chapters of the contract.
enum Tag: String, Sendable, CaseIterable {
  case jobs = "Jobs"
  case events = "Events"
  case queues = "Queues"
  case handlers = "Handlers"
  case schedules = "Schedules"
  case server = "Server"

  var summary: String {
    switch self {
    case .jobs: "Submit jobs, follow them, stop them, fetch what they gave."
    case .events: "Watch jobs as Server-Sent Events."
    case .queues: "Lines of their own, which can be paused."
    case .handlers: "What can be run, and running it with one request."
    case .schedules: "Jobs that recur: by cron expressions, in any time zone."
    case .server: "The server itself: its processes, its health, its numbers."
    }
  }
}
