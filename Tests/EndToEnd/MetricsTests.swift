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
    #expect(growth("millrace_http_requests_total{route=\"/v1/jobs\",status=\"202\"}") == 24)
    #expect(growth("millrace_http_requests_total{route=\"/v1/jobs/{id}/cancel\",status=\"200\"}") == 8)
    #expect(growth("millrace_store_commit_writes_sum") >= 24)
    #expect(growth("millrace_store_commit_duration_seconds_count") == growth("millrace_store_commit_writes_count"))
    #expect(growth("millrace_attempts_ended_total{handler=\"noop\",outcome=\"succeeded\"}") == 8)
    #expect(growth("millrace_attempts_ended_total{handler=\"fail\",outcome=\"handler_error\"}") == 8)
    #expect(growth("millrace_job_run_seconds_count{handler=\"noop\"}") == 8)
    #expect(growth("millrace_job_wait_seconds_bucket{handler=\"noop\",le=\"+Inf\"}") == 8)
    #expect(growth("millrace_http_request_duration_seconds_count{route=\"/v1/jobs\"}") == 24)
    #expect((after["millrace_process_resident_bytes{role=\"acceptor\",acceptor=\"0\"}"] ?? 0) > Double(1 << 20))
    #expect(after["millrace_acceptors"] == 2 && after["millrace_workers"] == 2)
    let service = try server.get("/v1").json
    #expect(service["jobs"]["succeeded_total"].double == after["millrace_jobs_finished_total{state=\"succeeded\"}"])
  }

  @Test("a worker's end under a job is counted by its reason")
  func workerExits() throws {
    func exits(_ reason: String) throws -> Double {
      try samples()["millrace_worker_exits_total{reason=\"\(reason)\"}"] ?? -1
    }
    let before = try (exits("crashed"), exits("timed_out"))
    try server.end(of: server.submit("crash"))
    try server.end(of: server.submit("spin", "{}", #""timeout": "100ms""#))
    #expect(try exits("crashed") == before.0 + 1)
    #expect(try exits("timed_out") == before.1 + 1)
  }

  @Test("a body where none belongs and a path with a bad escape are counted as refusals")
  func refusals() throws {
    let names = ["millrace_refusals_total{reason=\"body\"}", "millrace_refusals_total{reason=\"malformed\"}"]
    let route = "millrace_http_requests_total{route=\"/v1\",status=\"413\"}"
    let before = try samples()
    #expect(try server.client().exchange("GET", "/v1", body: Array("{}".utf8)).status == 413)
    #expect(try server.get("/v1/%zz").status == 400)
    let after = try samples()
    for name in names + [route] { #expect((after[name] ?? 0) - (before[name] ?? 0) == 1, "\(name)") }
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
    var isHistogram = false
    let text = try server.get("/metrics").text
    #expect(text.hasSuffix("\n"))
    for line in text.dropLast().split(separator: "\n", omittingEmptySubsequences: false) {
      let words = line.split(separator: " ", maxSplits: 3)
      if line.hasPrefix("# HELP ") {
        current = try #require(words.count > 2 ? words[2] : nil)
        #expect(described.insert(current).inserted, "\(current) is described twice")
      } else if line.hasPrefix("# TYPE ") {
        #expect(words[2] == current && ["counter", "gauge", "histogram"].contains(words[3]))
        isHistogram = words[3] == "histogram"
        #expect((words[3] == "counter") == current.hasSuffix("_total"), "\(line)")
      } else {
        let name = line.prefix { $0 != "{" && $0 != " " }
        let names = isHistogram ? ["_bucket", "_sum", "_count"].map { current + $0 } : [String(current)]
        #expect(names.contains(String(name)), "\(line)")
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
