import Glibc
import Testing

@Suite("The signals a server obeys", .serialized)
struct SignalTests {
  @Test("when the master is killed no process is left")
  func masterKilled() throws {
    let folder = try TestFolder()
    let server = try ServerProcess([], in: folder)
    try server.wholeTree()
    _ = try server.runningSpin()
    _ = try server.runningSpin()
    _ = try server.submit("sleep", #"{"seconds": 600}"#)
    #expect(server.livingProcesses.count >= 7)
    server.signal(SIGKILL)
    #expect(try server.ended() == 128 + SIGKILL)
    try server.checkNothingIsLeft()
    try folder.remove()
  }

  @Test("TERM: what runs and ends soon is finished; what does not is handed back, and run again after a restart")
  func graceful() throws {
    let folder = try TestFolder()
    let server = try ServerProcess(["--drain-timeout", "3s"], in: folder)
    let short = try server.submit("spin", #"{"seconds": 1}"#)
    try server.job(short, is: "running")
    let long = try server.submit("spin")
    try server.job(long, is: "running")
    let task = try server.submit("sleep", #"{"seconds": 600}"#)
    try server.job(task, is: "running")
    let queued = try server.submit("noop")
    server.signal(SIGTERM)
    #expect(try server.ended() == 0)
    try server.checkNothingIsLeft()

    try withServer(in: folder) { server in
      let finished = try server.job(short)
      #expect(finished["state"] == "succeeded" && finished["attempt"] == 1)
      for id in [long, task] {
        let job = try eventually("it runs again", see: { try server.job(id) }) {
          $0["state"] == "running" && $0["attempt"].int ?? 0 > 1
        }
        #expect(job["attempts"][0]["attempt"] == 1 && job["attempts"][0]["error"]["type"] == "lost")
        try server.cancel(id)
      }
      #expect(try server.end(of: queued)["state"] == "succeeded")
    }
    try folder.remove()
  }

  @Test("while draining polls are answered and jobs refused, and nobody who waits is left without a reply")
  func draining() throws {
    try withServer(["--drain-timeout", "30s"]) { server in
      let id = try server.submit("spin", #"{"seconds": 2}"#)
      try server.job(id, is: "running")
      let waiter = try server.client()
      try waiter.send("GET /v1/jobs/\(id)?wait=30 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      server.signal(SIGTERM)
      try eventually("it is not ready any more") { try server.get("/readyz").status == 503 }
      #expect(try server.job(id)["state"] == "running")
      #expect(try server.get("/livez").status == 200)
      for target in ["/v1/jobs", "/v1/run/noop"] {
        let refused = try server.post(target, #"{"handler": "noop"}"#)
        #expect(refused.status == 503 && refused.isProblem && refused["retry-after"] != nil)
        #expect(refused["connection"] == "close")
      }
      // The acceptor it waits at may leave before the one that runs the job: then it is told to ask again.
      let told = try waiter.reply()
      let isDone = try told.json["state"] == "succeeded"
      #expect(told.status == 200 && isDone == (told["retry-after"] == nil), "\(told)")
      #expect(try server.ended() == 0)
    }
  }

  @Test("QUIT does not wait for running jobs, which are run again after a restart")
  func quick() throws {
    let folder = try TestFolder()
    let server = try ServerProcess(["--drain-timeout", "600s"], in: folder)
    let id = try server.submit("spin", #"{"seconds": 600}"#)
    try server.job(id, is: "running")
    server.signal(SIGQUIT)
    #expect(try server.ended(within: .seconds(20)) == 0)
    try server.checkNothingIsLeft()
    try withServer(in: folder) { server in
      let job = try eventually("it runs again", see: { try server.job(id) }) {
        $0["state"] == "running" && $0["attempt"].int ?? 0 > 1
      }
      // A sibling that had not heard of the signal yet may have taken it up for a moment.
      let ends = job["attempts"].items.dropLast().map { $0["error"]["type"].string }
      #expect(Set(ends) == ["lost"])
      try server.cancel(id)
    }
    try folder.remove()
  }

  @Test("INT stops in order as TERM does, and a QUIT afterwards hurries")
  func interrupted() throws {
    try withServer(["--drain-timeout", "600s"]) { server in
      let id = try server.runningSpin()
      server.signal(SIGINT)
      try eventually("it drains") { try server.get("/readyz").status == 503 }
      #expect(try server.job(id)["state"] == "running")
      server.signal(SIGQUIT)
      #expect(try server.ended(within: .seconds(20)) == 0)
    }
  }

  @Test("TTIN and TTOU: one acceptor more, one fewer, and never none")
  func moreAndFewer() throws {
    try withServer { server in
      try server.wholeTree()
      server.signal(SIGTTIN)
      try eventually("there are three acceptors", see: { try server.tree() }) {
        $0.acceptors.count == 3 && $0.acceptors.allSatisfy { $0.state == "ready" }
      }
      for wanted in [2, 1] {
        server.signal(SIGTTOU)
        try eventually("there are \(wanted) acceptors", see: { try? server.tree() }) {
          $0?.acceptors.count == wanted && $0?.acceptors.first?.state == "ready"
        }
      }
      server.signal(SIGTTOU)
      try eventually("the last one stays, and the log says so") { server.log.contains("number of acceptors stays") }
      #expect(try server.tree().acceptors.count == 1)
      #expect(try server.end(of: server.submit("sleep", #"{"seconds": 0}"#))["state"] == "succeeded")
    }
  }

  @Test("jobs go on while acceptors come and go")
  func jobsWhileScaling() throws {
    try withServer { server in
      let ids = try (0..<40).map { number in
        if number == 10 { server.signal(SIGTTIN) }
        if number == 20 || number == 30 { server.signal(SIGTTOU) }
        return try eventually("it is taken", see: { try? server.submit("noop") }, until: { $0 != nil })!
      }
      for id in ids {
        let job = try eventually("job \(id) has ended", see: { (try? server.job(id)) ?? .null }) { $0["done"] == true }
        #expect(job["state"] == "succeeded", "\(job)")
      }
    }
  }
}
