import Glibc
import Testing

/// The list of bad input: whatever a client sends, it gets the documented answer, and the server is as it was before.
@Suite("Bad input", .serialized, .server("--acceptors", "1", "--workers", "1", "--max-body", "1MiB"))
struct BadInputTests {
  let server = ServerProcess.current

  private func check(_ list: [BadInput]) throws {
    let jobs = try JobsInStates(server)
    for bad in list { try bad.check(server, jobs) }
    try jobs.end(server)
    #expect(try server.get("/livez").status == 200)
  }

  @Test("a path that names nothing is 404, a malformed one 400") func paths() throws { try check(BadInput.paths) }
  @Test("a method that is not taken is 405 with Allow") func methods() throws { try check(BadInput.methods) }
  @Test("a query that is not as declared is 400") func queries() throws { try check(BadInput.queries) }
  @Test("media types, codings and origins are refused by their header") func headers() throws {
    try check(BadInput.headers)
  }
  @Test("a job that cannot do what is asked says so") func states() throws { try check(BadInput.states) }
  @Test("what is too large is refused") func sizes() throws { try check(BadInput.sizes) }
  @Test("what is not JSON is 400 with its line and column") func json() throws { try check(BadInput.json) }
  @Test("a submit that is not acceptable is 422 and says where") func fields() throws { try check(BadInput.fields) }
  @Test("arguments that do not fit are 422 and say where") func arguments() throws { try check(BadInput.arguments) }

  @Test("after all of it, twice, memory, descriptors and processes are as before")
  func leavesNothing() throws {
    #expect(BadInput.everything.count + MalformedRequestTests.table.count >= 400)
    let jobs = try JobsInStates(server)
    func all() throws {
      for bad in BadInput.everything { try bad.check(server, jobs) }
      for bad in MalformedRequestTests.table {
        let client = try server.client()
        try client.send(bad.bytes)
        client.finishSending()
        _ = try client.toEnd()
      }
    }
    // The first time fills caches and pools.
    try all()
    let before = try Trace(server)
    try all()
    let after = try eventually("the descriptors are as before", see: { try Trace(server) }) {
      $0.descriptors == before.descriptors
    }
    #expect(after.pids == before.pids)
    #expect(after.residentBytes < before.residentBytes + 2 * 1024 * 1024, "\(before) \(after)")
    try jobs.end(server)
  }

  /// What a server occupies.
  private struct Trace {
    let pids: [pid_t]
    let descriptors: [Int]
    let residentBytes: Int

    init(_ server: ServerProcess) throws {
      let tree = try server.tree()
      pids = tree.pids
      descriptors = tree.pids.map { OpenDescriptors.count($0) }
      residentBytes = tree.acceptors.compactMap { ProcessTable.residentBytes($0.pid) }.reduce(0, +)
    }
  }
}
