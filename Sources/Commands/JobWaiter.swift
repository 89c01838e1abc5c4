import Glibc
import JobModel

/// Waits for one job's end by long polls, and draws its progress on a terminal.
struct JobWaiter {
  let client: ServerClient
  let streams: StandardStreams

  /// One long poll; the server's own limit is 60 s.
  static let holdLimit: Duration = .seconds(30)
  /// On a terminal the clock of the progress line shall move.
  static let drawnHoldLimit: Duration = .seconds(1)
  /// How long a server that was there may be away: a restart should not end a wait of hours.
  static let patience: Duration = .seconds(30)

  /// An answer that was to be held back and comes sooner than this is followed by a pause of the same length: a progress
  /// line needs no more, and a server that does not wait is not flooded.
  static let leastInterval: Duration = .milliseconds(100)

  /// What is known of the job when it has ended, or when `deadline` has come.
  ///
  /// - Parameter wasReached: the server answered a request before this one, so that its absence may pass.
  func wait(
    for id: String, until deadline: ContinuousClock.Instant?, wasReached: Bool
  ) throws(ClientError) -> (job: JobView, body: [UInt8]) {
    let clock = ContinuousClock()
    let start = clock.now
    var latest: (job: JobView, body: [UInt8])?
    var tag: String?
    var lastContact = wasReached ? start : nil
    defer { if streams.drawsProgress { streams.draw("") } }
    while true {
      let asked = clock.now
      let remaining = deadline.map { asked.duration(to: $0) }
      do throws(ClientError) {
        // The first one is answered at once: from then on the server is one that was there.
        let request = request(id, tag: tag, remaining: lastContact == nil ? .zero : remaining)
        let reply = try client.send(request)
        let answered = clock.now
        lastContact = answered
        if reply.status != 304 {
          latest = (try JobView.decoded(reply.body), reply.body)
          tag = reply.headers["etag"]
        }
        guard let latest else { throw .unexpected("the server answered 304 to a request without a condition") }
        if streams.drawsProgress { draw(latest.job, elapsed: start.duration(to: answered)) }
        if latest.job.done || isOver(remaining) { return latest }
        if request.wait > .zero, asked.duration(to: answered) < Self.leastInterval {
          pause(Self.leastInterval, atMost: remaining)
        }
      } catch {
        guard mayPass(error), let contact = lastContact, contact.duration(to: clock.now) < Self.patience,
          !isOver(remaining)
        else { throw error }
        pause(.milliseconds(500), atMost: remaining)
      }
    }
  }

  private func isOver(_ remaining: Duration?) -> Bool { remaining.map { $0 <= .zero } ?? false }

  /// What a server says, or does not say, while it restarts.
  private func mayPass(_ error: ClientError) -> Bool {
    switch error {
    case .unreachable: true
    case .refused(let problem): problem.status == 503
    case .unexpected, .local: false
    }
  }

  /// With a tag the server answers at any change, which a progress line wants to know; without, only at the end.
  private func request(_ id: String, tag: String?, remaining: Duration?) -> ServerClient.Request {
    var request = ServerClient.Request.get("/v1/jobs/\(Query.encoded(id))")
    let limit = streams.drawsProgress ? Self.drawnHoldLimit : Self.holdLimit
    let hold = min(limit, max(remaining ?? limit, .zero))
    // The protocol knows whole seconds; the part of the last one is slept here.
    let seconds = hold.components.seconds
    if seconds == 0 {
      pause(hold, atMost: nil)
    } else {
      request.path += "?wait=\(seconds)"
      request.wait = .seconds(seconds)
    }
    if streams.drawsProgress, let tag { request.headers.append("If-None-Match: \(tag)") }
    return request
  }

  private func draw(_ job: JobView, elapsed: Duration) {
    let bar = ProgressBar(width: streams.width, palette: streams.errorPalette)
    streams.draw(bar.line(job, elapsed: elapsed))
  }

  /// Sleeps; a signal that is caught may cut it short, which costs one more request.
  private func pause(_ duration: Duration, atMost limit: Duration?) {
    let length = max(.zero, limit.map { min(duration, $0) } ?? duration)
    let (seconds, attoseconds) = length.components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    nanosleep(&time, nil)
  }
}
