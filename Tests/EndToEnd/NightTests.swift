import Glibc
import Testing

/// What must not need a person at night.
@Suite("Left alone", .serialized)
struct NightTests {
  @Test("an acceptor that cannot have workers any more is replaced, and fails no job meanwhile")
  func deadNursery() throws {
    try withServer { server in
      let before = try server.wholeTree()
      let forkServer = try #require(before.acceptors[0].forkServer)
      let nursery = try #require(server.livingProcesses.first { $0.pid == forkServer }).parent
      try #require(nursery != before.acceptors[0].pid)
      let running = try server.runningSpin(#""timeout": "2s""#)
      #expect(kill(nursery, SIGKILL) == 0)
      // A connection may break with the acceptor that leaves.
      for _ in 0..<20 {
        let id = try eventually("a job is accepted", see: { try? server.submit("noop") }, until: { $0 != nil })
        let job = try eventually(
          "the job has ended", see: { (try? server.get("/v1/jobs/\(id!)?wait=5").json) ?? .null },
          until: { $0["done"] == true })
        #expect(job["state"] == "succeeded", "\(job)")
      }
      let after = try server.wholeTree()
      #expect(after.acceptors[0].pid != before.acceptors[0].pid)
      #expect(try server.end(of: running)["error"]["type"] == "timed_out")
    }
  }

  @Test("a browser neither guesses the type of a result or a log nor runs what is in it")
  func strangersContent() throws {
    try withServer { server in
      let id = try server.submit("echo", #"{"a": "<script>alert(1)</script>"}"#)
      try server.end(of: id)
      for path in ["/v1/jobs/\(id)/result", "/v1/jobs/\(id)/log"] {
        let reply = try server.get(path)
        #expect(reply.status == 200)
        #expect(reply["x-content-type-options"] == "nosniff")
        #expect(reply["content-security-policy"]?.contains("sandbox") == true)
      }
    }
  }
}
