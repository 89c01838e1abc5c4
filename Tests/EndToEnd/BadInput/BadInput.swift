import Testing

/// One request that must be refused, and exactly how.
///
/// In a target, `{done}` and its like stand for jobs in certain states: see ``JobsInStates``.
struct BadInput: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let method: String
  let target: String
  var headers: [String] = []
  var body: [UInt8]?
  let status: Int
  /// The JSON pointers of `errors`, in order.
  var pointers: [String] = []
  /// Where the body stops being JSON.
  var place: Place?
  /// A header field that the reply must have, with this value where it is not empty.
  var replyHeader: (name: String, value: String)?

  struct Place: Sendable, Equatable {
    let line: Int
    let column: Int
  }

  /// - Parameter request: `METHOD TARGET`.
  init(
    _ name: String, _ request: String, _ status: Int, _ pointers: String..., headers: [String] = [],
    body: String? = nil, bytes: [UInt8]? = nil, place: Place? = nil, reply: (name: String, value: String)? = nil
  ) {
    let words = request.split(separator: " ", maxSplits: 1).map(String.init)
    testDescription = name
    (method, target) = (words[0], words[1])
    self.status = status
    self.pointers = pointers
    self.headers = headers
    self.body = bytes ?? body.map { Array($0.utf8) } ?? (method == "POST" ? [] : nil)
    self.place = place
    replyHeader = reply
  }

  /// A submit whose body is not acceptable.
  static func submit(_ name: String, _ body: String, _ pointers: String...) -> BadInput {
    var bad = BadInput(name, "POST /v1/jobs", 422, headers: ["Content-Type: application/json"], body: body)
    bad.pointers = pointers
    return bad
  }

  /// A submit with these members beside its handler, which takes no arguments.
  static func option(_ member: String, _ pointers: String...) -> BadInput {
    var bad = submit("the option \(member)", #"{"handler": "noop", \#(member)}"#)
    bad.pointers = pointers
    return bad
  }

  /// Arguments that do not fit their handler's schema.
  static func args(_ handler: String, _ args: String, _ pointers: String...) -> BadInput {
    var bad = submit("\(handler) with \(args)", #"{"handler": "\#(handler)", "args": \#(args)}"#)
    bad.pointers = pointers
    return bad
  }

  /// A body that is not JSON from this place on.
  static func notJSON(_ name: String, _ text: String, _ line: Int, _ column: Int) -> BadInput {
    BadInput(name, "POST /v1/run/echo", 400, body: text, place: Place(line: line, column: column))
  }

  static func notJSON(_ name: String, _ bytes: [UInt8], _ line: Int, _ column: Int) -> BadInput {
    BadInput(name, "POST /v1/run/echo", 400, bytes: bytes, place: Place(line: line, column: column))
  }

  /// Sends it on a connection of its own, and holds the reply against what is documented.
  func check(_ server: ServerProcess, _ jobs: JobsInStates) throws {
    let target = jobs.named(in: target)
    let reply = try server.client().exchange(method, target, headers: headers, body: body)
    let what: Comment = "\(testDescription): \(method) \(target): \(reply)"
    #expect(reply.status == status && reply.isProblem, what)
    #expect(reply["cache-control"] == "no-store", what)
    let problem = try reply.json
    #expect(problem["type"] == "about:blank", what)
    #expect(reply.pointers == pointers, what)
    if let place { #expect(problem["line"].int == place.line && problem["column"].int == place.column, what) }
    if let replyHeader {
      let value = reply[replyHeader.name]
      #expect(value != nil && (replyHeader.value.isEmpty || value == replyHeader.value), what)
    }
    // Nothing of the server's insides.
    let text = reply.text
    for inside in ["/tmp/", ".sqlite", ".swift", "SQLITE_", "Error("] { #expect(!text.contains(inside), what) }
  }
}

/// Jobs to be asked for: one in each state.
struct JobsInStates: Sendable {
  private let ids: [String: String]

  init(_ server: ServerProcess) throws {
    var ids = [
      "done": try server.submit("noop"), "failed": try server.submit("fail", #"{"message": "m"}"#),
      "deleted": try server.submit("noop"), "scheduled": try server.submit("noop", "{}", #""delay": "1h""#),
      "cancelled": try server.submit("noop", "{}", #""delay": "1h""#), "image": try server.submit("mandelbrot"),
      "never": "019a0000-0000-7000-8000-000000000000",
    ]
    for name in ["done", "failed", "deleted", "image"] { try server.end(of: ids[name]!) }
    try server.cancel(ids["cancelled"]!)
    ids["running"] = try server.submit("sleep", #"{"seconds": 3600}"#)
    try server.job(ids["running"]!, is: "running")
    guard try server.delete("/v1/jobs/\(ids["deleted"]!)").status == 204 else {
      throw NeverHappened(description: "a job is not deleted")
    }
    self.ids = ids
  }

  func named(in target: String) -> String {
    ids.reduce(target) { $0.replacing("{\($1.key)}", with: $1.value) }
  }

  /// What would otherwise run on.
  func end(_ server: ServerProcess) throws {
    for name in ["running", "scheduled"] { try server.cancel(ids[name]!) }
  }
}
