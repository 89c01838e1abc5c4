import EventLoop
import HTTPServer
import JobModel

/// Ready-made replies to `GET /v1/jobs/{id}`, so that polling costs a look into a table.
///
/// A reply is good as long as the job's generation (see ``JobBoard``) is what it was when the job was read. Bounded: two
/// tables, the young and the old; what is used moves to the young one, and when that is full the old one is dropped.
@LoopActor
final class JobReplies {
  struct Reply {
    /// When it has to be made anew, on the monotonic clock: the time to ask again shrinks while a job waits for its time.
    let goodUntil: UInt64?
    let etag: String
    let isFinal: Bool
    let response: HTTPResponse
    let notModified: HTTPResponse
  }

  /// A job as it was read, and its reply once somebody has asked for it.
  private final class Entry {
    private(set) var generation: UInt64
    private(set) var job: Job
    var reply: Reply?

    init(_ job: Job, generation: UInt64) {
      self.job = job
      self.generation = generation
    }

    /// The job as it is now.
    func update(_ job: Job, generation: UInt64) {
      self.job = job
      self.generation = generation
      reply = nil
    }
  }

  private let board: JobBoard
  private var young: [JobID: Entry] = [:]
  private var old: [JobID: Entry] = [:]
  private let capacity: Int
  private let capacityBytes: Int
  /// What the jobs in the young table take, as they were put in.
  private var youngBytes = 0

  /// Larger jobs are not kept: a few would fill the memory of thousands.
  static let keptLimitBytes = 16 * 1024

  /// - Parameters:
  ///   - capacity: jobs in each of the two tables.
  ///   - capacityBytes: what these jobs may take; their replies take about as much again.
  init(board: JobBoard, capacity: Int = 4096, capacityBytes: Int = 16 << 20) {
    self.board = board
    self.capacity = capacity
    self.capacityBytes = capacityBytes
  }

  /// The reply for a job whose row has not changed since it was read.
  func reply(for id: JobID) -> Reply? {
    if let entry = young[id] {
      if entry.generation == board.generation(of: id) { return reply(of: entry) }
      young[id] = nil
      return nil
    }
    guard let entry = old.removeValue(forKey: id), entry.generation == board.generation(of: id) else { return nil }
    insert(entry)
    return reply(of: entry)
  }

  /// Keeps a job for those who will ask.
  ///
  /// - Parameter generation: read before the job was.
  func put(_ job: Job, generation: UInt64) {
    guard Self.isKept(job) else { return }
    guard let known = young[job.id] else { return insert(Entry(job, generation: generation)) }
    youngBytes += Self.heldBytes(job) - Self.heldBytes(known.job)
    known.update(job, generation: generation)
  }

  /// Makes the reply for a job, and keeps both.
  func make(_ job: Job, generation: UInt64) -> Reply {
    let entry = Entry(job, generation: generation)
    if Self.isKept(job) { insert(entry) }
    return reply(of: entry)
  }

  private static func isKept(_ job: Job) -> Bool { heldBytes(job) <= keptLimitBytes }

  private static func heldBytes(_ job: Job) -> Int {
    var size = job.input.args.count + job.metadata.count + heldBytes(job.error)
    if case .bytes(let bytes)? = job.result?.body { size += bytes.count }
    return job.pastAttempts.reduce(size) { $0 + 256 + heldBytes($1.error) }
  }

  private static func heldBytes(_ error: JobError?) -> Int {
    (error?.message.utf8.count ?? 0) + (error?.backtrace?.utf8.count ?? 0)
  }

  private func reply(of entry: Entry) -> Reply {
    if let reply = entry.reply, reply.goodUntil.map({ MonotonicClock.now < $0 }) ?? true { return reply }
    let job = entry.job
    let bytes = JobDocument.bytes(job)
    let etag = EntityTag.strong(bytes)
    var headers = [
      HTTPField("Content-Type", "application/json"), HTTPField("ETag", etag), HTTPField("Cache-Control", "no-cache"),
    ]
    if let seconds = RetryAfter.seconds(job) { headers.append(HTTPField("Retry-After", "\(seconds)")) }
    let response = HTTPResponse(PreparedResponse(status: 200, headers: headers, bytes: bytes))
    let reply = Reply(
      goodUntil: job.state == .scheduled ? MonotonicClock.now + 1_000_000_000 : nil, etag: etag,
      isFinal: job.state.isFinal, response: response, notModified: response.notModified())
    entry.reply = reply
    return reply
  }

  func forget(_ id: JobID) {
    young[id] = nil
    old[id] = nil
  }

  private func insert(_ entry: Entry) {
    if young.count >= capacity || youngBytes >= capacityBytes {
      old = young
      young = [:]
      youngBytes = 0
    }
    youngBytes += Self.heldBytes(entry.job)
    young[entry.job.id] = entry
  }
}

/// When to ask again for a job that is not finished.
enum RetryAfter {
  /// Whole seconds, as the header has them; `nil` for a job that is finished.
  static func seconds(_ job: Job) -> Int? {
    switch job.state {
    case .succeeded, .failed, .cancelled: return nil
    case .queued, .running: return 1
    case .scheduled:
      guard let due = job.scheduledAt else { return 1 }
      // Rounded up: asking a moment too early is asking twice.
      let (seconds, attoseconds) = Timestamp.now.duration(to: due).components
      return Int(min(max(seconds + (attoseconds > 0 ? 1 : 0), 1), 3600))
    }
  }
}
