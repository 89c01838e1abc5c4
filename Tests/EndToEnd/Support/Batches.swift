/// Batches, by their ids.
extension ServerProcess {
  /// Submits lines of inputs, which must be accepted, and gives the batch's id.
  func submitBatch(_ handler: String, _ lines: [String], _ options: String = "") throws -> String {
    let reply = try post("/v1/batches?handler=\(handler)\(options)", bytes: Array(lines.joined(separator: "\n").utf8))
    guard reply.status == 202, let place = reply["location"], place.hasPrefix("/v1/batches/") else {
      throw NeverHappened(description: "a batch of \(handler) is not accepted: \(reply)")
    }
    return String(place.dropFirst("/v1/batches/".count))
  }

  func batch(_ id: String) throws -> JSON { try get("/v1/batches/\(id)").json }

  @discardableResult
  func endOfBatch(_ id: String, within limit: Duration = patience) throws -> JSON {
    try eventually("batch \(id) is done", within: limit, see: { try get("/v1/batches/\(id)?wait=5").json }) {
      $0["done"] == true
    }
  }

  func results(_ id: String, _ query: String = "") throws -> ResultReader {
    try ResultReader(client(), "/v1/batches/\(id)/results\(query)")
  }
}

/// Reads a batch's results line by line, while they come.
final class ResultReader {
  let client: HTTPClient
  let head: HTTPReply
  private var buffer: [UInt8] = []
  private var isOver = false

  init(_ client: HTTPClient, _ target: String) throws {
    self.client = client
    try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head = try client.head()
    guard head.status == 200, head["transfer-encoding"] == "chunked" else {
      throw NeverHappened(description: "no stream of results: \(head)")
    }
  }

  /// The next line; `nil` at the end of a stream that was ended in order.
  func next() throws -> JSON? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        defer { buffer.removeFirst(end + 1) }
        return try JSON.parse(Array(buffer[..<end]))
      }
      if isOver { return nil }
      if let chunk = try client.chunk() { buffer += chunk } else { isOver = true }
    }
  }

  func all() throws -> [JSON] {
    var lines: [JSON] = []
    while let line = try next() { lines.append(line) }
    return lines
  }
}
