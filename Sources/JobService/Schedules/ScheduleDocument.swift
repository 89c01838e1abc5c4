import Cron
import HTTPServer
import HandlerAPI
import JobModel
import StrictJSON

/// A schedule as clients write and see it.
enum ScheduleDocument {
  static let countLimit = 1000
  static let jobLimitBytes = 64 * 1024

  /// A letter or digit, then up to 63 of letters, digits, `.`, `_` and `-`.
  static func isName(_ name: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    guard let first = name.utf8.first, isPlain(first), name.utf8.count <= 64 else { return false }
    return name.utf8.allSatisfy { isPlain($0) || $0 == 0x2e || $0 == 0x5f || $0 == 0x2d }
  }

  static let namePattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,63}"

  static func path(_ name: String) -> String { "/v1/schedules/\(name)" }

  // MARK: - Writing

  static func bytes(_ schedule: Schedule) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: 1024)
    write(schedule, into: &writer)
    return writer.bytes
  }

  static func write(_ schedule: Schedule, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("name", schedule.name)
    writer.field("cron", schedule.cron)
    writer.field("time_zone", schedule.timeZone)
    writer.field("job", raw: schedule.job)
    writer.field("paused", schedule.isPaused)
    writer.field("missed", schedule.missed.rawValue)
    writer.field("next_run_at", schedule.nextRunAt)
    writer.field("last_run_at", schedule.lastRunAt)
    writer.field("last_job", schedule.lastJob?.description)
    writer.field("last_error", schedule.lastError)
    writer.field("created_at", schedule.createdAt)
    writer.field("updated_at", schedule.updatedAt)
    writer.object("links") { links in
      links.field("self", path(schedule.name))
      links.field("last_job", schedule.lastJob.map(JobDocument.path))
    }
    writer.endObject()
  }

  // MARK: - Reading

  /// - Throws: ``APIError`` with a pointer to each member that is wrong; those within the job begin with `/job`.
  static func read(
    _ body: [UInt8], name: String, handlers: HandlerRegistry, now: Timestamp
  ) throws(APIError) -> Schedule {
    let root: JSONNode
    do throws(JSONSyntaxError) {
      root = try JSONDocument.parse(body).root
    } catch {
      throw .notJSON(error)
    }
    guard root.kind == .object else {
      throw .unacceptable("", "must be an object with the members 'cron' and 'job', not \(root.kind.phrase)")
    }
    var reading = Reading()
    for (key, value) in root.members { try reading.take(key, value, handlers) }
    return try reading.schedule(name: name, now: now)
  }

  /// What has been read so far, and every mistake.
  private struct Reading {
    var cron: (text: String, expression: CronExpression)?
    var zone: (name: String, rules: TimeZoneRules)? = ("UTC", .utc)
    var job: [UInt8]?
    var isPaused = false
    var missed = MissedRuns.skip
    var errors: [InputError] = []

    private mutating func fail(_ pointer: String, _ detail: String) {
      errors.append(InputError(pointer: pointer, detail: detail))
    }

    mutating func take(_ key: String, _ value: JSONNode, _ handlers: HandlerRegistry) throws(APIError) {
      if value.isNull, ["cron", "time_zone", "job", "paused", "missed"].contains(key) { return }
      switch key {
      case "cron": takeCron(value)
      case "time_zone": takeZone(value)
      case "job": try takeJob(value, handlers)
      case "paused":
        if let flag = value.boolValue { isPaused = flag } else { fail("/paused", "must be true or false") }
      case "missed":
        if let policy = value.stringValue.flatMap(MissedRuns.init) {
          missed = policy
        } else {
          fail("/missed", "must be 'skip' or 'once'")
        }
      default: fail("/" + JSONPointer.escaped(key), "is not a known field")
      }
    }

    private mutating func takeCron(_ value: JSONNode) {
      guard let text = value.stringValue else { return fail("/cron", "must be a string") }
      do throws(CronError) {
        cron = (text, try CronExpression(text))
      } catch {
        fail("/cron", error.description)
      }
    }

    private mutating func takeZone(_ value: JSONNode) {
      zone = nil
      guard let name = value.stringValue else { return fail("/time_zone", "must be a string") }
      do throws(CronError) {
        zone = (name, try TimeZoneRules.named(name))
      } catch {
        fail("/time_zone", error.description)
      }
    }

    private mutating func takeJob(_ value: JSONNode, _ handlers: HandlerRegistry) throws(APIError) {
      let text = value.rawBytes
      guard value.kind == .object else { return fail("/job", "must be an object, as a submit's body") }
      guard text.count <= jobLimitBytes else {
        return fail("/job", "must be at most \(jobLimitBytes / 1024) KiB of JSON")
      }
      if value["run_at"].map({ !$0.isNull }) ?? false {
        fail("/job/run_at", "has no meaning here: the schedule says when")
      }
      do throws(APIError) {
        _ = try Submission(document: text, handlers: handlers)
        job = text
      } catch {
        guard case .unacceptable(let found) = error else { throw error }
        errors += found.map { InputError(pointer: "/job" + $0.pointer, detail: $0.detail) }
      }
    }

    func schedule(name: String, now: Timestamp) throws(APIError) -> Schedule {
      var errors = errors
      for (member, isThere) in [("cron", cron != nil), ("job", job != nil)]
      where !isThere && !errors.contains(where: { $0.pointer.hasPrefix("/" + member) }) {
        errors.append(InputError(pointer: "/" + member, detail: "is missing"))
      }
      guard errors.isEmpty, let cron, let zone, let job else { throw .unacceptable(errors) }
      return Schedule(
        name: name, cron: cron.text, timeZone: zone.name, job: job, isPaused: isPaused, missed: missed,
        nextRunAt: isPaused ? nil : cron.expression.next(after: now, in: zone.rules), now: now)
    }
  }
}
