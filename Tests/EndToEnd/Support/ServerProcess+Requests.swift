import Foundation

/// Requests, each on a connection of its own.
extension ServerProcess {
  func get(_ target: String, _ headers: String...) throws -> HTTPReply {
    try client().exchange("GET", target, headers: headers)
  }

  func head(_ target: String, _ headers: String...) throws -> HTTPReply {
    try client().exchange("HEAD", target, headers: headers)
  }

  func delete(_ target: String) throws -> HTTPReply { try client().exchange("DELETE", target) }

  func post(_ target: String, _ json: String? = nil, _ headers: String...) throws -> HTTPReply {
    let type = json == nil ? [] : ["Content-Type: application/json"]
    return try client().exchange("POST", target, headers: type + headers, body: json.map { Array($0.utf8) } ?? [])
  }

  func post(_ target: String, bytes: [UInt8], _ headers: String...) throws -> HTTPReply {
    try client().exchange("POST", target, headers: headers, body: bytes)
  }
}

/// Jobs, by their ids.
extension ServerProcess {
  /// Submits a job, which must be accepted, and gives its id.
  ///
  /// - Parameter options: further members of the submit, as JSON text: `"priority": 3, "timeout": "1s"`.
  func submit(_ handler: String, _ args: String = "{}", _ options: String = "") throws -> String {
    let more = options.isEmpty ? "" : ", " + options
    let reply = try post("/v1/jobs", #"{"handler": "\#(handler)", "args": \#(args)\#(more)}"#)
    guard reply.status == 202, let place = reply["location"], place.hasPrefix("/v1/jobs/") else {
      throw NeverHappened(description: "a job of \(handler) is not accepted: \(reply)")
    }
    return String(place.dropFirst("/v1/jobs/".count))
  }

  func job(_ id: String) throws -> JSON {
    let reply = try get("/v1/jobs/\(id)")
    guard reply.status == 200 else { throw NeverHappened(description: "job \(id) is not shown: \(reply)") }
    return try reply.json
  }

  /// The job when it has ended.
  @discardableResult
  func end(of id: String, within limit: Duration = patience) throws -> JSON {
    try eventually("job \(id) has ended", within: limit, see: { try get("/v1/jobs/\(id)?wait=5").json }) {
      $0["done"] == true
    }
  }

  /// The job as soon as it is in the state, which must not be a passing one.
  @discardableResult
  func job(_ id: String, is state: String, within limit: Duration = patience) throws -> JSON {
    try eventually("job \(id) is \(state)", within: limit, see: { try job(id) }) { $0["state"].string == state }
  }

  /// A job that runs for ever, and runs.
  func runningSpin(_ options: String = "") throws -> String {
    let id = try submit("spin", "{}", options)
    try job(id, is: "running")
    return id
  }

  /// Cancels a job and waits for its end.
  @discardableResult
  func cancel(_ id: String) throws -> JSON {
    _ = try post("/v1/jobs/\(id)/cancel")
    return try end(of: id)
  }
}

extension ServerProcess {
  /// The files of inputs and results that are too large for rows.
  func spooledFiles() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.file("jobs.sqlite.spool")).sorted()
  }
}
