import HTTPServer
import JobModel

/// `/metrics`: totals over all acceptors, from shared memory.
extension API {
  func metricsPage() -> HTTPResponse {
    var page = MetricsPage()
    let counters = memory.counters
    for (index, resource) in Contract.resources.enumerated() {
      for statusClass in 1...5 {
        let count = counters.requests(index, statusClass: statusClass)
        if count == 0 { continue }
        page.add(
          "millrace_http_requests_total", .counter, "Requests answered, by route and class of status.",
          [("route", resource.template), ("status", "\(statusClass)xx")], count)
      }
    }
    for refusal in Refusal.allCases {
      page.add(
        "millrace_refusals_total", .counter,
        "Requests, results and logs that were over a limit or not allowed, by reason.",
        [("reason", refusal.rawValue)],
        counters.refusals(refusal))
    }
    page.add("millrace_jobs_submitted_total", .counter, "Jobs made durable.", [], counters.total(.jobsSubmitted))
    page.add("millrace_attempts_started_total", .counter, "Attempts begun.", [], counters.total(.attemptsStarted))
    for (state, counter) in [
      ("succeeded", Counter.jobsSucceeded), ("failed", .jobsFailed), ("cancelled", .jobsCancelled),
    ] {
      page.add(
        "millrace_jobs_finished_total", .counter, "Jobs ended, by state.", [("state", state)], counters.total(counter))
    }
    page.add(
      "millrace_attempts_retried_total", .counter, "Attempts that failed and are followed by another.", [],
      counters.total(.attemptsRetried))
    page.add(
      "millrace_attempts_lost_total", .counter, "Attempts repeated because their server or acceptor went away.", [],
      counters.total(.attemptsLost))
    page.add("millrace_jobs_expired_total", .counter, "Finished jobs removed.", [], counters.total(.jobsExpired))
    page.add("millrace_jobs_scheduled", .gauge, "Jobs that wait for their time.", [], UInt64(memory.board.scheduled))
    for executor in Executor.allCases {
      page.add(
        "millrace_jobs_queued", .gauge, "Jobs in line, by executor.", [("executor", executor.rawValue)],
        UInt64(memory.board.queuedEstimate(executor)))
    }
    let seats = context.seats()
    for executor in Executor.allCases {
      page.add(
        "millrace_jobs_running", .gauge, "Attempts running, by executor.", [("executor", executor.rawValue)],
        UInt64(seats.reduce(0) { $0 + memory.seats.running(executor, seat: $1.index) }))
    }
    page.add(
      "millrace_store_commits_total", .counter, "Commits of the store.", [], counters.total(.commits))
    page.add(
      "millrace_store_writes_total", .counter, "Writes that shared those commits.", [], counters.total(.commitWrites))
    page.add(
      "millrace_store_commit_seconds_total", .counter, "Time spent in commits.", [],
      Double(counters.total(.commitMicroseconds)) / 1e6)
    page.add(
      "millrace_poll_replies_ready_total", .counter, "Polls answered by a ready-made reply.", [],
      counters.total(.cacheHits))
    page.add(
      "millrace_poll_replies_made_total", .counter, "Polls for which a reply had to be made.", [],
      counters.total(.cacheMisses))
    page.add(
      "millrace_workers_replaced_total", .counter, "Worker processes replaced.", [], counters.total(.workersReplaced))
    for (outcome, counter) in [
      ("delivered", Counter.callbacksDelivered), ("retried", .callbacksRetried), ("failed", .callbacksFailed),
    ] {
      page.add(
        "millrace_callback_attempts_total", .counter, "Attempts to call back, by what came of them.",
        [("outcome", outcome)], counters.total(counter))
    }
    for (outcome, counter) in [
      ("submitted", Counter.scheduleRuns), ("refused", .scheduleRefusals), ("skipped", .scheduleSkips),
    ] {
      page.add(
        "millrace_schedule_runs_total", .counter, "Runs of schedules, by what came of them.", [("outcome", outcome)],
        counters.total(counter))
    }
    page.add(
      "millrace_acceptor_restarts", .gauge, "Restarts of the present acceptors.", [],
      UInt64(seats.reduce(0) { $0 + $1.restarts }))
    page.add("millrace_acceptors", .gauge, "Acceptor processes.", [], UInt64(seats.count))
    page.add(
      "millrace_connections", .gauge, "Open connections.", [],
      UInt64(seats.reduce(0) { $0 + memory.seats.connections(seat: $1.index) }))
    let workers = seats.reduce(0) { $0 + memory.workers.rows(seat: $1.index).count }
    page.add("millrace_workers", .gauge, "Worker processes.", [], UInt64(workers))
    return HTTPResponse(mediaType: MetricsPage.mediaType, page.bytes)
  }
}

/// Writes Prometheus' text format, version 0.0.4: samples of one metric together, after its `HELP` and `TYPE`.
struct MetricsPage {
  enum Kind: String {
    case counter, gauge
  }
  static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  private(set) var text = ""
  private var current = ""

  var bytes: [UInt8] { Array(text.utf8) }

  /// Adds a sample. Samples of one metric must be added one after the other.
  mutating func add(
    _ name: String, _ kind: Kind, _ help: String, _ labels: [(String, String)], _ value: some CustomStringConvertible
  ) {
    if name != current {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
      current = name
    }
    let list = labels.map { "\($0.0)=\"\($0.1)\"" }.joined(separator: ",")
    text += list.isEmpty ? "\(name) \(value)\n" : "\(name){\(list)} \(value)\n"
  }
}
