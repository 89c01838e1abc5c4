// The lines of a batch's results on their way to one client: read in pieces from the store as the client takes them, so
// neither a large batch nor a slow reader takes memory, and as many may read as like.

import EventLoop
import HTTPServer
import JobModel
import JobStore
import Logging

@LoopActor
final class BatchResultStream {
  let stream = ResponseStream()
  private let id: JobID
  private let order: BatchOrder
  private var cursor: Int
  private let store: any JobStore
  private let watches: RowWatches
  private let log: Logger
  private var watch: RowWatches.Watch?
  private var drained: CheckedContinuation<Void, Never>?

  /// How often it looks without having been told of anything (see ``RowWatches/Watch/next(limit:)``).
  static let lookInterval = Duration.seconds(5)

  init(
    _ id: JobID, _ order: BatchOrder, after cursor: Int, store: any JobStore, watches: RowWatches, log: Logger
  ) {
    self.id = id
    self.order = order
    self.cursor = cursor
    self.store = store
    self.watches = watches
    self.log = log
  }

  /// Begins to read. It ends with the batch, with the client, or with the server.
  func start() {
    let watch = watches.begin(id)
    self.watch = watch
    stream.onClientGone = { [weak self] in self?.clientLeft() }
    stream.onDrain = { [weak self] in self?.resume() }
    Task {
      await self.send(watch)
      self.watches.end(watch)
    }
  }

  private func send(_ watch: RowWatches.Watch) async {
    while stream.isOpen {
      let page: BatchResultPage?
      do {
        page = try await store.batchResults(id, order, after: cursor)
      } catch {
        log.error("a batch's results cannot be read", metadata: ["batch": "\(id)", "error": "\(error)"])
        return stream.fail()
      }
      // Its last job was deleted, or has expired.
      guard let page else { return stream.finish() }
      var lines: [UInt8] = []
      for result in page.results { lines += BatchDocument.line(result) }
      if let last = page.results.last { cursor = last.cursor }
      if !lines.isEmpty, stream.isOpen, !stream.write(lines) { await untilDrained() }
      if page.hasMore { continue }
      if page.isDone { return stream.finish() }
      guard await watch.next(limit: Self.lookInterval) else { return stream.fail() }
    }
  }

  private func untilDrained() async {
    guard stream.isOpen else { return }
    await withCheckedContinuation { drained = $0 }
  }

  private func clientLeft() {
    if let watch { watches.end(watch) }
    resume()
  }

  private func resume() {
    drained?.resume()
    drained = nil
  }
}
