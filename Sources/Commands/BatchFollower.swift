import Foundation
import Glibc
import JobModel

/// Writes a batch's results to standard output as they come, a line each, and draws how far it is on a terminal. A stream that
/// breaks is taken up again where it was.
final class BatchFollower {
  private struct Line: Decodable {
    var index: Int
    var cursor: Int
  }

  private let client: ServerClient
  private let streams: StandardStreams
  private let order: String
  private var batch: BatchView
  private var cursor: Int?
  private var partial: [UInt8] = []
  private var lines = 0
  private let start = ContinuousClock().now
  private var drawnAt: ContinuousClock.Instant?

  /// On a terminal more is not seen.
  private static let drawInterval: Duration = .milliseconds(100)

  /// - Parameter cursor: of the last line that is known already.
  init(_ batch: BatchView, _ session: ClientSession, order: String, after cursor: Int? = nil) {
    client = session.client
    streams = session.streams
    self.batch = batch
    self.order = order
    self.cursor = cursor
  }

  /// Follows to the end; gives back the batch as it is then.
  func follow() throws(ClientError) -> BatchView {
    defer { if streams.drawsProgress { streams.draw("") } }
    var lastContact = ContinuousClock().now
    while true {
      do throws(ClientError) {
        try readStream()
        batch = try BatchView.decoded(client.send(.get("/v1/batches/\(Query.encoded(batch.id))")).body)
        return batch
      } catch {
        guard mayPass(error) else { throw error }
        // A line that was cut off comes again whole.
        partial = []
        let now = ContinuousClock().now
        if gotFurther {
          lastContact = now
          gotFurther = false
        } else if lastContact.duration(to: now) > JobWaiter.patience, !isThere() {
          throw error
        }
        usleep(500_000)
      }
    }
  }

  private var gotFurther = false

  private func readStream() throws(ClientError) {
    var query = Query()
    query.append("order", order)
    if let cursor { query.append("after", "\(cursor)") }
    var request = ServerClient.Request.get("/v1/batches/\(Query.encoded(batch.id))/results\(query.text)")
    request.receiver = { [self] piece throws(ClientError) in try receive(piece) }
    _ = try client.send(request)
  }

  /// A stream breaks when the server stops, and is given up when nothing has ended for long.
  private func mayPass(_ error: ClientError) -> Bool {
    switch error {
    case .unreachable: true
    case .refused(let problem): problem.status == 503
    case .unexpected, .local: false
    }
  }

  /// Long jobs keep a stream silent; whether the server is away is another question.
  private func isThere() -> Bool {
    do {
      _ = try client.send(.get("/v1/batches/\(Query.encoded(batch.id))"))
      return true
    } catch {
      return false
    }
  }

  private func receive(_ piece: UnsafeRawBufferPointer) throws(ClientError) {
    partial += piece
    guard let end = partial.lastIndex(of: UInt8(ascii: "\n")) else { return }
    let whole = Array(partial[...end])
    partial.removeFirst(end + 1)
    let last = whole.dropLast().lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    cursor = try decodeReply(Line.self, Array(whole[last..<(whole.count - 1)])).cursor
    gotFurther = true
    lines += whole.count { $0 == UInt8(ascii: "\n") }
    if streams.drawsProgress, streams.showsToPeople { streams.draw("") }
    try streams.result(whole)
    draw()
  }

  private func draw() {
    let now = ContinuousClock().now
    guard streams.drawsProgress, drawnAt.map({ $0.duration(to: now) > Self.drawInterval }) ?? true else { return }
    drawnAt = now
    var view = JobView(id: batch.id, handler: batch.handler, state: "running", done: false)
    view.progress = .init(completed: min(lines, batch.total), total: batch.total)
    streams.draw(
      ProgressBar(width: streams.width, palette: streams.errorPalette).line(view, elapsed: start.duration(to: now)))
  }
}
