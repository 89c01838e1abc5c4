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
    writer.field("service", "millrace")
    writer.field("version", context.version)
    writer.field("node", context.node)
    writer.object("store") {
      $0.field("kind", store.kind)
      $0.field("durability", store.durability)
    }
    writer.object("limits") {
      $0.field("queued", context.limits.queued)
      $0.field("json_body_bytes", context.limits.jsonBodyBytes)
      $0.field("body_bytes", context.limits.bodyBytes)
      $0.field("wait_seconds", WaitRequest.limitSeconds)
    }
    writer.object("jobs") {
      $0.field("scheduled", memory.board.scheduled)
      $0.field("queued", memory.board.queuedEstimate)
      $0.field("running", runningTotal)
      $0.field("oldest_queued_at", memory.board.queuedEstimate > 0 ? memory.board.oldestQueuedAt : nil)
      $0.field("succeeded_total", Int(clamping: memory.counters.total(.jobsSucceeded)))
      $0.field("failed_total", Int(clamping: memory.counters.total(.jobsFailed)))
      $0.field("cancelled_total", Int(clamping: memory.counters.total(.jobsCancelled)))
    }
    writer.field("started_at", context.startedAt)
    writer.field("uptime_seconds", Int(max(0, context.startedAt.duration(to: .now).components.seconds)))
    writer.endObject()
    return HTTPResponse(mediaType: "application/json", writer.bytes)
  }

  private var runningTotal: Int {
    context.seats().reduce(0) { sum, seat in
      sum + Executor.allCases.reduce(0) { $0 + memory.seats.running($1, seat: seat.index) }
    }
  }

  func ready(_ call: Call) throws(APIError) {
    if isDraining {
      send(call, Health.reply(503, "draining"))
      return
    }
    later(call) { [self] in
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
    writer.field("role", "master")
    writer.field("pid", context.masterPID)
    writer.field("started_at", context.startedAt)
    writer.field("rss_bytes", ProcessMemory.residentBytes(of: context.masterPID))
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
    writer.field("role", "acceptor")
    writer.field("index", seat.index)
    writer.field("pid", seat.pid)
    writer.field("state", seat.state)
    writer.field("generation", seat.generation)
    writer.field("restarts", seat.restarts)
    writer.field("started_at", seat.startedAt)
    writer.field("rss_bytes", ProcessMemory.residentBytes(of: seat.pid))
    writer.field("connections", board.connections(seat: seat.index))
    writer.field("tasks_running", board.running(.task, seat: seat.index))
    writer.field("threads_running", board.running(.thread, seat: seat.index))
    writer.key("fork_server")
    let forkServer = board.forkServer(seat: seat.index)
    if forkServer.pid > 0 {
      writer.beginObject()
      writer.field("role", "fork_server")
      writer.field("pid", forkServer.pid)
      writer.field("restarts", forkServer.restarts)
      writer.field("rss_bytes", ProcessMemory.residentBytes(of: forkServer.pid))
      writer.endObject()
    } else {
      writer.null()
    }
    writer.key("workers")
    writer.beginArray()
    for worker in memory.workers.rows(seat: seat.index) {
      writer.beginObject()
      writer.field("role", "worker")
      writer.field("pid", worker.pid)
      writer.field("state", worker.job == nil ? "idle" : "busy")
      writer.key("job")
      if let job = worker.job { writer.string(job.description) } else { writer.null() }
      writer.field("jobs_done", worker.jobsDone)
      writer.field("rss_bytes", ProcessMemory.residentBytes(of: worker.pid))
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
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
