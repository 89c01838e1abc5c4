import Glibc
import Testing

@Suite("Jobs that take their process down", .serialized, .server("--memory-limit", "96MiB"))
struct CrashTests {
  let server = ServerProcess.current

  @Test(
    "the signal is named, and the next job runs on another worker",
    arguments: ["SIGSEGV", "SIGABRT", "SIGKILL", "SIGBUS", "SIGTRAP", "SIGTERM", "SIGFPE"])
  func signals(_ signal: String) throws {
    let job = try server.end(of: server.submit("crash", #"{"signal": "\#(signal)"}"#))
    #expect(job["state"] == "failed")
    #expect(job["error"]["type"] == "crashed" && job["error"]["signal"].string == signal)
    #expect(job["error"]["exit_status"].isNull && job["error"]["attempt"] == 1)
    let next = try server.end(of: server.submit("noop"))
    #expect(next["state"] == "succeeded")
    #expect(next["run_by"]["pid"] != job["run_by"]["pid"])
  }

  @Test("a programming error leaves a backtrace that says what it was and where")
  func backtrace() throws {
    let job = try server.end(of: server.submit("crash"))
    #expect(job["error"]["type"] == "crashed")
    #expect(["SIGILL", "SIGTRAP"].contains(job["error"]["signal"].string))
    let backtrace = try #require(job["error"]["backtrace"].string)
    #expect(backtrace.contains("Crash.run"), "\(backtrace)")
  }

  @Test("a job that takes more memory than it may is ended, and told so")
  func leak() throws {
    let job = try server.end(of: server.submit("leak"))
    #expect(job["state"] == "failed" && job["error"]["type"] == "memory_exceeded", "\(job)")
    #expect(try #require(job["error"]["message"].string).contains("\(96 << 20)"))
    #expect(try #require(job["usage"]["max_rss_bytes"].int) > 64 << 20)
    try server.wholeTree()
  }

  @Test("a handler that throws fails its job with its message, and its worker works on")
  func thrown() throws {
    let job = try server.end(of: server.submit("fail", #"{"message": "l'été — 1 < 2"}"#))
    #expect(job["error"]["type"] == "handler_error" && job["error"]["message"] == "l'été — 1 < 2")
    #expect(job["error"]["signal"].isNull && job["error"]["backtrace"].isNull)
    #expect(ProcessTable.isAlive(try #require(job["run_by"]["pid"].int.map { pid_t($0) })))
  }

  @Test("a worker that is killed from outside while its job runs fails that job only")
  func killedFromOutside() throws {
    let other = try server.runningSpin()
    let id = try server.runningSpin()
    let worker = try server.worker(of: id)
    kill(worker.pid, SIGKILL)
    let job = try server.end(of: id)
    #expect(job["state"] == "failed" && job["error"]["type"] == "crashed" && job["error"]["signal"] == "SIGKILL")
    #expect(job["run_by"]["pid"].int == Int(worker.pid))
    #expect(try server.job(other)["state"] == "running")
    try server.cancel(other)
    let tree = try server.wholeTree()
    #expect(!tree.pids.contains(worker.pid))
  }

  @Test("a crash is tried again as any other failure, and counts")
  func retried() throws {
    let job = try server.end(of: server.submit("crash", #"{"signal": "SIGKILL"}"#, #""max_attempts": 2"#))
    #expect(job["state"] == "failed" && job["attempt"] == 2)
    #expect(job["attempts"].items.map { $0["error"]["signal"] } == ["SIGKILL", "SIGKILL"])
  }

  @Test("a killed acceptor or fork server is replaced, its restarts are counted, and its jobs are repeated")
  func replacements() throws {
    let before = try server.wholeTree()
    let ids = [try server.runningSpin(#""timeout": "60s""#), try server.runningSpin(#""timeout": "60s""#)]
    let victim = try #require(before.acceptors.first)
    kill(victim.pid, SIGKILL)
    let after = try eventually(
      "the acceptor's seat has another process", see: { try? server.tree() },
      until: { tree in
        tree?.isWhole(acceptors: 2, workers: 2) == true
          && tree?.acceptors.first { $0.index == victim.index }?.pid != victim.pid
      })
    #expect(after?.acceptors.first { $0.index == victim.index }?.restarts == victim.restarts + 1)
    // Its job is begun again, where there is a free worker: as another attempt.
    let repeated = try eventually(
      "one of the jobs has another attempt that runs", see: { try ids.map(server.job) },
      until: { $0.contains { $0["attempt"] == 2 && $0["state"] == "running" } })
    let lost = try #require(repeated.first { $0["attempt"] == 2 })
    #expect(lost["attempts"][0]["error"]["type"] == "lost" && lost["max_attempts"] == 1)
    for id in ids { try server.cancel(id) }

    let forkServer = try #require(server.wholeTree().acceptors.first?.forkServer)
    kill(forkServer, SIGKILL)
    try eventually("the fork server is replaced") {
      guard let tree = try? server.tree(), tree.isWhole(acceptors: 2, workers: 2) else { return false }
      return tree.acceptors.contains { $0.forkServer != forkServer && $0.forkServerRestarts == 1 }
    }
    #expect(try server.end(of: server.submit("noop"))["state"] == "succeeded")
  }
}
