import Glibc

/// The processes of a server, as it shows them.
struct ProcessTree: CustomStringConvertible {
  struct Acceptor {
    let index: Int
    let pid: pid_t
    let state: String
    let restarts: Int
    let forkServer: pid_t?
    let forkServerRestarts: Int
    let workers: [Worker]
  }
  struct Worker {
    let pid: pid_t
    let job: String?
    let jobsDone: Int
  }
  let master: pid_t
  let acceptors: [Acceptor]
  let description: String

  var workers: [Worker] { acceptors.flatMap(\.workers) }
  var pids: [pid_t] {
    [master] + acceptors.map(\.pid) + acceptors.compactMap(\.forkServer) + workers.map(\.pid)
  }

  /// Whether so many acceptors serve, each with its fork server, and so many workers; and all of them live.
  func isWhole(acceptors: Int, workers: Int) -> Bool {
    self.acceptors.count == acceptors && self.workers.count == workers
      && self.acceptors.allSatisfy { $0.state == "ready" && $0.forkServer != nil }
      && Set(pids).count == pids.count && pids.allSatisfy(ProcessTable.isAlive)
  }

  init(_ reply: HTTPReply) throws {
    let json = try reply.json
    func pid(_ json: JSON) -> pid_t? { json["pid"].int.flatMap { pid_t(exactly: $0) } }
    guard reply.status == 200, let master = pid(json) else {
      throw NeverHappened(description: "the processes are not shown: \(reply)")
    }
    self.master = master
    description = reply.text
    acceptors = json["acceptors"].items.map { acceptor in
      Acceptor(
        index: acceptor["index"].int ?? -1, pid: pid(acceptor) ?? 0, state: acceptor["state"].string ?? "",
        restarts: acceptor["restarts"].int ?? -1, forkServer: pid(acceptor["fork_server"]),
        forkServerRestarts: acceptor["fork_server"]["restarts"].int ?? -1,
        workers: acceptor["workers"].items.map {
          Worker(pid: pid($0) ?? 0, job: $0["job"].string, jobsDone: $0["jobs_done"].int ?? -1)
        })
    }
  }
}

extension ServerProcess {
  func tree() throws -> ProcessTree { try ProcessTree(get("/v1/processes")) }

  /// The tree as soon as it is whole; a connection may break while acceptors are killed.
  @discardableResult
  func wholeTree(acceptors: Int = 2, workers: Int = 2) throws -> ProcessTree {
    let tree = try eventually(
      "there are \(acceptors) acceptors and \(workers) workers", see: { try? self.tree() },
      until: { $0?.isWhole(acceptors: acceptors, workers: workers) ?? false })
    return tree!
  }

  /// The worker that runs the job, as soon as it is shown.
  func worker(of job: String) throws -> ProcessTree.Worker {
    let tree = try eventually(
      "a worker runs job \(job)", see: { try self.tree() }, until: { $0.workers.contains { $0.job == job } })
    return tree.workers.first { $0.job == job }!
  }
}
