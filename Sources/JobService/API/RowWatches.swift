// Whoever follows what changes: streams that go on for as long as their client stays.
//
// A watch says only that something changed; what there is to see, its owner reads from the store. So nothing is lost where
// changes come faster than they can be read, and a slow reader costs no more memory than a quick one.

import EventLoop
import JobModel

@LoopActor
final class RowWatches {
  /// One client's watch on one row, or on whatever goes by that id.
  @LoopActor
  final class Watch {
    let id: JobID
    fileprivate var hasNews = false
    fileprivate var isOver = false
    private var continuation: CheckedContinuation<Void, Never>?

    fileprivate init(_ id: JobID) { self.id = id }

    /// Waits for a change since the last call, no longer than `limit`: a process that dies between a commit and its notice
    /// must leave nobody waiting for ever.
    ///
    /// - Returns: `false` once the watch has ended: its client left, or the server stops.
    func next(limit: Duration) async -> Bool {
      if !hasNews, !isOver {
        let timer = EpollLoop.shared.schedule(after: limit) { [weak self] in self?.resume() }
        await withCheckedContinuation { continuation = $0 }
        EpollLoop.shared.cancel(timer)
      }
      hasNews = false
      return !isOver
    }

    fileprivate func tell() {
      hasNews = true
      resume()
    }

    fileprivate func end() {
      isOver = true
      resume()
    }

    private func resume() {
      continuation?.resume()
      continuation = nil
    }
  }

  private var watches: [JobID: [Watch]] = [:]
  private var count = 0 {
    didSet { publish(count) }
  }
  private var isClosed = false
  private let publish: @LoopActor (Int) -> Void
  /// Called when the first one begins: changes elsewhere matter from now on.
  var onFirstWatch: @LoopActor () -> Void = {}

  /// - Parameter publish: tells other acceptors how many watch here, so that they wake this one.
  init(publish: @escaping @LoopActor (Int) -> Void) { self.publish = publish }

  var isEmpty: Bool { count == 0 }

  /// Begins a watch: take it before the first look, so that no change falls between the two, and ``end(_:)`` it.
  func begin(_ id: JobID) -> Watch {
    let watch = Watch(id)
    if isClosed {
      watch.isOver = true
      return watch
    }
    if count == 0 { onFirstWatch() }
    watches[id, default: []].append(watch)
    count += 1
    return watch
  }

  /// May be called twice.
  func end(_ watch: Watch) {
    watch.end()
    guard let place = watches[watch.id]?.firstIndex(where: { $0 === watch }) else { return }
    watches[watch.id]?.remove(at: place)
    if watches[watch.id]?.isEmpty == true { watches[watch.id] = nil }
    count -= 1
  }

  func changed(_ id: JobID) {
    guard let watching = watches[id] else { return }
    for watch in watching { watch.tell() }
  }

  /// Changes were missed: everybody looks.
  func lookAgain() {
    for watching in watches.values { for watch in watching { watch.tell() } }
  }

  /// Ends every watch, present or to come.
  func endAll() {
    isClosed = true
    for watching in watches.values { for watch in watching { watch.end() } }
  }
}
