import EventLoop
import Glibc
import HTTPServer
import JobModel
import StrictJSON

/// The server itself: `/v1`, `/v1/processes`, `/livez`, `/readyz`.
extension API {
  func serviceDocument() -> HTTPResponse {
    let store = store.description
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("service")
    writer.string("millrace")
    writer.key("version")
    writer.string(context.version)
    writer.key("node")
    writer.string(context.node)
    writer.key("store")
    writer.beginObject()
    writer.key("kind")
    writer.string(store.kind)
    writer.key("durability")
    writer.string(store.durability)
    writer.endObject()
    writer.key("limits")
    writer.beginObject()
    writer.key("queued")
    writer.int(context.limits.queued)
    writer.key("json_body_bytes")
    writer.int(context.limits.jsonBodyBytes)
    writer.key("body_bytes")
    writer.int(context.limits.bodyBytes)
    writer.key("wait_seconds")
    writer.int(WaitRequest.limitSeconds)
    writer.endObject()
    writer.key("jobs")
    writer.beginObject()
    writer.key("scheduled")
    writer.int(memory.board.scheduled)
    writer.key("queued")
    writer.int(memory.board.queuedEstimate)
    writer.key("running")
    writer.int(runningTotal)
    writer.key("oldest_queued_at")
    JobDocument.write(memory.board.queuedEstimate > 0 ? memory.board.oldestQueuedAt : nil, into: &writer)
    for (name, counter) in [
      ("succeeded_total", Counter.jobsSucceeded), ("failed_total", .jobsFailed), ("cancelled_total", .jobsCancelled),
    ] {
      writer.key(named: name)
      writer.int(memory.counters.total(counter))
    }
    writer.endObject()
    writer.key("started_at")
    JobDocument.write(context.startedAt, into: &writer)
    writer.key("uptime_seconds")
    writer.int(max(0, context.startedAt.duration(to: .now).components.seconds))
    writer.endObject()
    return HTTPResponse(mediaType: "application/json", writer.bytes)
  }

  private var runningTotal: Int {
    context.seats().reduce(0) { sum, seat in
      sum + Executor.allCases.reduce(0) { $0 + memory.seats.running($1, seat: seat.index) }
    }
  }

  func ready(_ exchange: HTTPExchange) throws(APIError) {
    _ = try query(exchange.head, only: [])
    if isDraining {
      send(exchange, .readyz, Health.reply(503, "draining"))
      return
    }
    later(exchange, .readyz) { [self] in
      do {
        _ = try await store.nextDue()
        return Health.reply(200, "ready")
      } catch {
        return Health.reply(503, "the store is away")
      }
    }
  }

  func processesDocument() -> HTTPResponse {
    var writer = JSONWriter(reservingBytes: 2048)
    writer.beginObject()
    writer.key("role")
    writer.string("master")
    writer.key("pid")
    writer.int(context.masterPID)
    writer.key("started_at")
    JobDocument.write(context.startedAt, into: &writer)
    writer.key("rss_bytes")
    write(residentBytesOf: context.masterPID, into: &writer)
    writer.key("acceptors")
    writer.beginArray()
    for seat in context.seats() { write(seat, into: &writer) }
    writer.endArray()
    writer.endObject()
    return HTTPResponse(mediaType: "application/json", writer.bytes)
  }

  private func write(_ seat: ServiceContext.SeatView, into writer: inout JSONWriter) {
    let board = memory.seats
    writer.beginObject()
    writer.key("role")
    writer.string("acceptor")
    writer.key("index")
    writer.int(seat.index)
    writer.key("pid")
    writer.int(seat.pid)
    writer.key("state")
    writer.string(seat.state)
    writer.key("generation")
    writer.int(seat.generation)
    writer.key("restarts")
    writer.int(seat.restarts)
    writer.key("started_at")
    JobDocument.write(seat.startedAt, into: &writer)
    writer.key("rss_bytes")
    write(residentBytesOf: seat.pid, into: &writer)
    writer.key("connections")
    writer.int(board.connections(seat: seat.index))
    writer.key("tasks_running")
    writer.int(board.running(.task, seat: seat.index))
    writer.key("threads_running")
    writer.int(board.running(.thread, seat: seat.index))
    writer.key("fork_server")
    let forkServer = board.forkServer(seat: seat.index)
    if forkServer.pid > 0 {
      writer.beginObject()
      writer.key("role")
      writer.string("fork_server")
      writer.key("pid")
      writer.int(forkServer.pid)
      writer.key("restarts")
      writer.int(forkServer.restarts)
      writer.key("rss_bytes")
      write(residentBytesOf: forkServer.pid, into: &writer)
      writer.endObject()
    } else {
      writer.null()
    }
    writer.key("workers")
    writer.beginArray()
    for worker in memory.workers.rows(seat: seat.index) {
      writer.beginObject()
      writer.key("role")
      writer.string("worker")
      writer.key("pid")
      writer.int(worker.pid)
      writer.key("state")
      writer.string(worker.job == nil ? "idle" : "busy")
      writer.key("job")
      if let job = worker.job { writer.string(job.description) } else { writer.null() }
      writer.key("jobs_done")
      writer.int(worker.jobsDone)
      writer.key("rss_bytes")
      write(residentBytesOf: worker.pid, into: &writer)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  private func write(residentBytesOf pid: Int32, into writer: inout JSONWriter) {
    if let bytes = ProcessMemory.residentBytes(of: pid) { writer.int(bytes) } else { writer.null() }
  }
}

enum Health {
  static func reply(_ status: Int, _ word: String) -> HTTPResponse {
    if status >= 400 { return Problem(status, word, headers: [HTTPField("Retry-After", "1")]).response }
    return HTTPResponse(mediaType: "text/plain; charset=utf-8", Array((word + "\n").utf8))
  }
}

enum ProcessMemory {
  /// The resident set of a process; `nil` when it is gone (proc_pid_statm(5): the second number, in pages).
  static func residentBytes(of pid: Int32) -> Int? {
    guard let file = fopen("/proc/\(pid)/statm", "re") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { return nil }
    let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      .split(separator: " ")
    guard words.count > 1, let pages = Int(words[1]) else { return nil }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  }
}
