import Glibc
import Testing

@Suite("Chaos", .serialized)
struct ChaosTests {
  /// What a client asks for, and how it may end.
  struct Kind: Sendable {
    let handler: String
    let args: String
    let isRight: @Sendable (JSON) -> Bool
  }

  static let kinds = [
    Kind(handler: "count_primes", args: #"{"below": 200000}"#) { $0["result"]["count"] == 17_984 },
    Kind(handler: "sha256", args: #"{"text": "abc"}"#) {
      $0["result"]["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    },
    Kind(handler: "word_count", args: #"{"text": "one two"}"#) { $0["result"]["words"] == 2 },
    Kind(handler: "mandelbrot", args: #"{"width": 120, "height": 90}"#) { $0["result_type"] == "image/png" },
    Kind(handler: "matrix_multiply", args: #"{"a": [[2]], "b": [[3]]}"#) { $0["result"]["product"][0][0] == 6 },
    Kind(handler: "sleep", args: #"{"seconds": 0.2}"#) { $0["result"]["seconds"].double == 0.2 },
    Kind(handler: "spin", args: #"{"seconds": 0.1}"#) { $0["result"]["seconds"].double == 0.1 },
    Kind(handler: "echo", args: "[1, 2]") { $0["result"] == .array([1, 2]) },
  ]

  @Test("200 jobs of 20 clients end well or name their crash while workers, an acceptor and a fork server are killed")
  func chaos() throws {
    try withServer { server in
      try server.wholeTree()
      let isOver = Flag()
      let ended: [(kind: Int, job: JSON)] = try concurrently(21) { client in
        if client == 20 { return try Self.kill(in: server, until: isOver) }
        let kinds = (0..<10).map { ($0 + client) % Self.kinds.count }
        let ids = try kinds.map { try Self.submitted(Self.kinds[$0], to: server) }
        let jobs = try zip(kinds, ids).map { (kind: $0, job: try Self.ended($1, at: server)) }
        if client == 0 { isOver.set() }
        return jobs
      }.flatMap { $0 }
      try #require(ended.count == 200)
      let failed = ended.filter { $0.job["state"] == "failed" }
      for (kind, job) in ended where job["state"] == "succeeded" {
        #expect(Self.kinds[kind].isRight(job), "\(job)")
      }
      #expect(ended.allSatisfy { ["succeeded", "failed"].contains($0.job["state"].string) })
      for (_, job) in failed {
        #expect(job["error"]["type"] == "crashed" && job["error"]["signal"] == "SIGKILL", "\(job)")
      }
      // The kills must have met running jobs, or this test shows nothing.
      let lost = ended.flatMap { $0.job["attempts"].items }.count { $0["error"]["type"] == "lost" }
      #expect(failed.count + lost > 0)
      try Self.checkThatNothingRunsOn(server)
    }
  }

  /// Kills a worker, then another …, and once each an acceptor and a fork server.
  private static func kill(in server: ServerProcess, until isOver: Flag) throws -> [(kind: Int, job: JSON)] {
    var round = 0
    while !isOver.isSet || round < 12 {
      round += 1
      guard let tree = try? server.tree() else { continue }
      let busy = tree.workers.first { $0.job != nil } ?? tree.workers.first
      if let busy { Glibc.kill(busy.pid, SIGKILL) }
      if round == 4, let acceptor = tree.acceptors.first { Glibc.kill(acceptor.pid, SIGKILL) }
      if round == 8, let forkServer = tree.acceptors.last?.forkServer { Glibc.kill(forkServer, SIGKILL) }
      // The next victim must have been born, so that it is not always a starting one that is hit.
      _ = try? eventually("the victim's place is taken", within: .milliseconds(300)) {
        guard let now = try? server.tree(), let busy else { return false }
        return !now.pids.contains(busy.pid) && now.workers.count == 2
      }
    }
    return []
  }

  /// The id of an accepted job. A connection may break with the acceptor that held it; then nobody knows whether the
  /// job was taken, and it is submitted again.
  private static func submitted(_ kind: Kind, to server: ServerProcess) throws -> String {
    let id = try eventually(
      "a job of \(kind.handler) is accepted", see: { try? server.submit(kind.handler, kind.args) },
      until: { $0 != nil })
    return id!
  }

  private static func ended(_ id: String, at server: ServerProcess) throws -> JSON {
    try eventually(
      "job \(id) has ended", within: .seconds(90), see: { (try? server.get("/v1/jobs/\(id)?wait=5").json) ?? .null },
      until: { $0["done"] == true })
  }

  /// No job is left that has not ended, no worker is busy, and the tree is as large as ever.
  private static func checkThatNothingRunsOn(_ server: ServerProcess) throws {
    for state in ["queued", "running", "scheduled"] {
      try eventually(
        "no job is \(state)", see: { try server.get("/v1/jobs?state=\(state)").json["jobs"].items },
        until: { $0.isEmpty })
    }
    try eventually("all workers are idle") { try server.wholeTree().workers.allSatisfy { $0.job == nil } }
    try eventually("nobody but the tree is left", see: { try Self.strangers(server) }, until: { $0.isEmpty })
    #expect(try server.end(of: server.submit("noop"))["state"] == "succeeded")
  }

  /// Processes of the server that its tree does not show; but each acceptor may have the one that forks its fork server.
  private static func strangers(_ server: ServerProcess) throws -> [ProcessTable.Entry] {
    let tree = try server.wholeTree()
    let acceptors = Set(tree.acceptors.map(\.pid))
    return server.livingProcesses.filter { process in
      let isNursery = process.command.hasPrefix("millrace-nurser") && acceptors.contains(process.parent)
      return !tree.pids.contains(process.pid) && !isNursery
    }
  }
}
