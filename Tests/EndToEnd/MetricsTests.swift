import Glibc
import Testing

@Suite("Metrics", .serialized, .server())
struct MetricsTests {
  let server = ServerProcess.current

  /// The samples of the page, by name and labels.
  private func samples() throws -> [String: Double] {
    let reply = try server.get("/metrics")
    #expect(reply.status == 200 && reply["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
    var samples: [String: Double] = [:]
    for line in reply.text.split(separator: "\n") where !line.hasPrefix("#") {
      let space = try #require(line.lastIndex(of: " "))
      samples[String(line[..<space])] = try #require(Double(String(line[line.index(after: space)...])) as Double?)
    }
    return samples
  }

  @Test("totals add up over the acceptors")
  func totals() throws {
    let before = try samples()
    try concurrently(8) { _ in
      for (handler, options) in [("noop", ""), ("fail", ""), ("noop", #""delay": "1h""#)] {
        let id = try server.submit(handler, "{}", options)
        if options.isEmpty { try server.end(of: id) } else { try server.cancel(id) }
      }
    }
    let after = try eventually("the counters have caught up", see: { try samples() }) {
      // The table of workers is brought up to date every tenth of a second.
      ($0["millrace_jobs_finished_total{state=\"cancelled\"}"] ?? 0) >= 8 && $0["millrace_workers"] == 2
    }
    func growth(_ name: String) -> Double { (after[name] ?? 0) - (before[name] ?? 0) }
    #expect(growth("millrace_jobs_submitted_total") == 24)
    #expect(growth("millrace_attempts_started_total") == 16)
    #expect(growth("millrace_jobs_finished_total{state=\"succeeded\"}") == 8)
    #expect(growth("millrace_jobs_finished_total{state=\"failed\"}") == 8)
    #expect(growth("millrace_jobs_finished_total{state=\"cancelled\"}") == 8)
    #expect(growth("millrace_http_requests_total{route=\"/v1/jobs\",status=\"2xx\"}") == 24)
    #expect(growth("millrace_http_requests_total{route=\"/v1/jobs/{id}/cancel\",status=\"2xx\"}") == 8)
    #expect(growth("millrace_store_writes_total") >= 24)
    #expect(after["millrace_acceptors"] == 2 && after["millrace_workers"] == 2)
    let service = try server.get("/v1").json
    #expect(service["jobs"]["succeeded_total"].double == after["millrace_jobs_finished_total{state=\"succeeded\"}"])
  }

  @Test("totals stay when an acceptor or a worker is replaced")
  func replaced() throws {
    try server.end(of: server.submit("noop"))
    let name = "millrace_jobs_submitted_total"
    let before = try samples()
    let victim = try #require(server.wholeTree().acceptors.last)
    kill(victim.pid, SIGKILL)
    try eventually("the acceptor is replaced") {
      guard let tree = try? server.tree(), tree.isWhole(acceptors: 2, workers: 2) else { return false }
      return !tree.pids.contains(victim.pid)
    }
    let after = try samples()
    #expect(after[name] == before[name])
    #expect(after["millrace_acceptor_restarts"] == (before["millrace_acceptor_restarts"] ?? 0) + 1)
  }

  @Test("the page is well-formed: each metric is described once, and its samples follow")
  func format() throws {
    var described: Set<Substring> = []
    var current: Substring = ""
    let text = try server.get("/metrics").text
    #expect(text.hasSuffix("\n"))
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      let words = line.split(separator: " ", maxSplits: 3)
      if line.hasPrefix("# HELP ") {
        current = try #require(words.count > 2 ? words[2] : nil)
        #expect(described.insert(current).inserted, "\(current) is described twice")
      } else if line.hasPrefix("# TYPE ") {
        #expect(words[2] == current && ["counter", "gauge", "histogram"].contains(words[3]))
        #expect((words[3] == "counter") == current.hasSuffix("_total"), "\(line)")
      } else {
        #expect(line.prefix { $0 != "{" && $0 != " " } == current, "\(line)")
      }
    }
  }

  @Test("the service tells its version, limits, store and jobs")
  func service() throws {
    let service = try server.get("/v1").json
    #expect(service["service"] == "millrace" && service["version"].string?.isEmpty == false)
    #expect(service["store"]["kind"] == "sqlite" && service["store"]["durability"].string != nil)
    #expect(service["limits"]["queued"] == 100_000 && service["limits"]["wait_seconds"] == 60)
    #expect(try #require(service["uptime_seconds"].int) >= 0)
  }

  @Test("the tree of processes is the one that runs")
  func processes() throws {
    let tree = try server.wholeTree()
    #expect(tree.master == server.pid)
    for acceptor in tree.acceptors {
      #expect(ProcessTable.entry(acceptor.pid)?.parent == server.pid)
      for worker in acceptor.workers { #expect(ProcessTable.entry(worker.pid)?.parent == acceptor.forkServer) }
    }
    let json = try server.get("/v1/processes").json
    #expect(try #require(json["rss_bytes"].int) > 1 << 20)
    let rss = try #require(json["acceptors"][0]["workers"][0]["rss_bytes"].int)
    #expect(rss > 1 << 20)
    let id = try server.runningSpin()
    #expect(try server.worker(of: id).jobsDone >= 0)
    try server.cancel(id)
  }
}
