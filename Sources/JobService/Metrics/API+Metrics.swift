import HTTPServer
import JobModel

/// `/metrics`: totals over all acceptors, from shared memory.
extension API {
  func metricsPage() -> HTTPResponse {
    var page = MetricsPage()
    let used = memory.measurements.usedSeats
    addServer(&page)
    addRequests(&page, used)
    addJobs(&page)
    addAttempts(&page, used)
    addStore(&page, used)
    addProcesses(&page)
    return HTTPResponse(mediaType: MetricsPage.mediaType, page.bytes)
  }

  private func addServer(_ page: inout MetricsPage) {
    page.add(
      "millrace_build_info", .gauge, "Always 1; its labels say what runs.", [("version", context.version)], 1)
    page.add(
      "millrace_start_time_seconds", .gauge, "When the server was started, in seconds since 1970.", [],
      Double(context.startedAt.microseconds) / 1e6)
  }

  private func addRequests(_ page: inout MetricsPage, _ used: [Int]) {
    let resources = Contract.resources.enumerated()
    for (number, resource) in resources {
      for (place, status) in Counters.statuses.enumerated() {
        let count = memory.counters.requests(number, place: place, seats: used)
        if count == 0 { continue }
        page.add(
          "millrace_http_requests_total", .counter, "Requests answered, by route and status.",
          [("route", resource.template), ("status", status == 0 ? "other" : "\(status)")], count)
      }
    }
    for (number, resource) in resources {
      let histogram = memory.measurements.requests(number)
      let total = histogram.total(seats: used)
      if total.counts.allSatisfy({ $0 == 0 }) { continue }
      page.add(
        "millrace_http_request_duration_seconds",
        "Time from a request's head to its answer, by route; waits that clients ask for are part of it.",
        [("route", resource.template)], histogram.buckets, total, scale: 1e6)
    }
    for refusal in Refusal.allCases {
      page.add(
        "millrace_refusals_total", .counter,
        "Requests, results and logs that were over a limit or not allowed, by reason.",
        [("reason", refusal.rawValue)], memory.counters.refusals(refusal))
    }
    page.add(
      "millrace_poll_replies_ready_total", .counter, "Polls answered by a ready-made reply.", [],
      memory.counters.total(.cacheHits))
    page.add(
      "millrace_poll_replies_made_total", .counter, "Polls for which a reply had to be made.", [],
      memory.counters.total(.cacheMisses))
    page.add(
      "millrace_event_streams_dropped_total", .counter, "Watching clients let go because they read too slowly.", [],
      memory.counters.total(.eventStreamsDropped))
    let seats = context.seats()
    page.add(
      "millrace_connections", .gauge, "Open connections.", [],
      seats.reduce(0) { $0 + memory.seats.connections(seat: $1.index) })
    page.add(
      "millrace_event_streams", .gauge, "Clients that watch events.", [],
      seats.reduce(0) { $0 + memory.seats.watchers(seat: $1.index) })
  }

  private func addJobs(_ page: inout MetricsPage) {
    let counters = memory.counters
    page.add("millrace_jobs_submitted_total", .counter, "Jobs made durable.", [], counters.total(.jobsSubmitted))
    for (state, counter) in [
      ("succeeded", Counter.jobsSucceeded), ("failed", .jobsFailed), ("cancelled", .jobsCancelled),
    ] {
      page.add(
        "millrace_jobs_finished_total", .counter, "Jobs ended, by state.", [("state", state)], counters.total(counter))
    }
    page.add("millrace_jobs_expired_total", .counter, "Finished jobs removed.", [], counters.total(.jobsExpired))
    page.add("millrace_jobs_scheduled", .gauge, "Jobs that wait for their time.", [], memory.board.scheduled)
    for executor in Executor.allCases {
      page.add(
        "millrace_jobs_queued", .gauge, "Jobs in line, by executor.", [("executor", executor.rawValue)],
        memory.board.queuedEstimate(executor))
    }
    let oldest = memory.board.queuedEstimate > 0 ? memory.board.oldestQueuedAt : nil
    page.add(
      "millrace_jobs_oldest_waiting_seconds", .gauge, "How long the oldest job in line has waited; 0 without one.", [],
      oldest.map { Double(max(0, $0.duration(to: .now).microsecondsClamped)) / 1e6 } ?? 0)
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
    let seats = context.seats()
    for executor in Executor.allCases {
      page.add(
        "millrace_jobs_running", .gauge, "Attempts running, by executor.", [("executor", executor.rawValue)],
        seats.reduce(0) { $0 + memory.seats.running(executor, seat: $1.index) })
    }
  }

  private func addAttempts(_ page: inout MetricsPage, _ used: [Int]) {
    let (counters, measurements) = (memory.counters, memory.measurements)
    page.add("millrace_attempts_started_total", .counter, "Attempts begun.", [], counters.total(.attemptsStarted))
    page.add(
      "millrace_attempts_retried_total", .counter, "Attempts that failed and are followed by another.", [],
      counters.total(.attemptsRetried))
    page.add(
      "millrace_attempts_lost_total", .counter, "Attempts repeated because their server or acceptor went away.", [],
      counters.total(.attemptsLost))
    var handlers = Array(measurements.handlers.all.enumerated())
    handlers.append((HandlerNames.capacity - 1, HandlerNames.others))
    for (number, name) in handlers {
      for ending in Measurements.AttemptEnding.allCases {
        let count = measurements.total(ending, of: number, seats: used)
        if count == 0 { continue }
        page.add(
          "millrace_attempts_ended_total", .counter, "Attempts ended, by handler and outcome.",
          [("handler", name), ("outcome", ending.label)], count)
      }
    }
    for (name, help, histogram) in [
      (
        "millrace_job_wait_seconds", "Time a job was due before an attempt of it began, by handler.", measurements.waits
      ),
      ("millrace_job_run_seconds", "Time an attempt took, by handler.", measurements.runs),
    ] {
      for (number, handler) in handlers {
        let histogram = histogram(number)
        let total = histogram.total(seats: used)
        if total.counts.allSatisfy({ $0 == 0 }) { continue }
        page.add(name, help, [("handler", handler)], histogram.buckets, total, scale: 1e6)
      }
    }
  }

  private func addStore(_ page: inout MetricsPage, _ used: [Int]) {
    let (commits, sizes) = (memory.measurements.commits, memory.measurements.commitSizes)
    page.add(
      "millrace_store_commit_duration_seconds", "Time of the store's commits.", [], commits.buckets,
      commits.total(seats: used), scale: 1e6)
    page.add(
      "millrace_store_commit_writes", "Writes that shared a commit.", [], sizes.buckets, sizes.total(seats: used),
      scale: 1)
  }

  private func addProcesses(_ page: inout MetricsPage) {
    let seats = context.seats()
    page.add("millrace_acceptors", .gauge, "Acceptor processes.", [], seats.count)
    page.add(
      "millrace_acceptor_restarts", .gauge, "Restarts of the present acceptors.", [],
      seats.reduce(0) { $0 + $1.restarts })
    page.add(
      "millrace_fork_server_restarts", .gauge, "Restarts of the present acceptors' fork servers.", [],
      seats.reduce(0) { $0 + memory.seats.forkServer(seat: $1.index).restarts })
    let workers = seats.reduce(0) { $0 + memory.workers.rows(seat: $1.index).count }
    page.add("millrace_workers", .gauge, "Worker processes.", [], workers)
    page.add(
      "millrace_workers_replaced_total", .counter, "Worker processes replaced.", [],
      memory.counters.total(.workersReplaced))
    for (reason, counter) in [
      ("crashed", Counter.workersCrashed), ("timed_out", .workersTimedOut), ("memory_exceeded", .workersOutOfMemory),
      ("lost", .workersLost),
    ] {
      page.add(
        "millrace_worker_exits_total", .counter, "Workers that ended under a job, by reason.", [("reason", reason)],
        memory.counters.total(counter))
    }
    addMemory(&page, seats)
  }

  private func addMemory(_ page: inout MetricsPage, _ seats: [ServiceContext.SeatView]) {
    let name = "millrace_process_resident_bytes"
    let help = "Resident memory of a process; of workers, together for each acceptor. Shared pages count in each."
    func add(_ role: String, _ acceptor: Int?, _ bytes: Int?) {
      guard let bytes else { return }
      page.add(name, .gauge, help, [("role", role)] + (acceptor.map { [("acceptor", "\($0)")] } ?? []), bytes)
    }
    add("master", nil, ProcessMemory.residentBytes(of: context.masterPID))
    for seat in seats {
      add("acceptor", seat.index, ProcessMemory.residentBytes(of: seat.pid))
      let forkServer = memory.seats.forkServer(seat: seat.index)
      if forkServer.pid > 0 { add("fork_server", seat.index, ProcessMemory.residentBytes(of: forkServer.pid)) }
      let workers = memory.workers.rows(seat: seat.index).compactMap { ProcessMemory.residentBytes(of: $0.pid) }
      if !workers.isEmpty { add("worker", seat.index, workers.reduce(0, +)) }
    }
  }
}
