/// Which chunk of a map comes next, and when it may. Pure.
///
/// There are as many lanes as chunks may be in flight, and a lane takes one chunk after another.
struct ChunkWindow {
  private var count: Int
  private var started = 0
  private var inFlight = 0
  /// By lane: the chunk that is in flight there.
  private var chunks: [Int?]

  init(count: Int, mostInFlight: Int) {
    self.count = count
    chunks = Array(repeating: nil, count: min(count, mostInFlight))
  }

  var laneCount: Int { chunks.count }

  /// The next chunk, which is in flight in this lane from now on; `nil`: there is none.
  mutating func next(in lane: Int) -> Int? {
    precondition(chunks[lane] == nil, "a lane has one chunk at a time")
    guard started < count else { return nil }
    let chunk = started
    started += 1
    inFlight += 1
    chunks[lane] = chunk
    return chunk
  }

  /// Whether this chunk is in flight there; not the one before it, or after.
  func isInFlight(_ chunk: Int, in lane: Int) -> Bool { chunks[lane] == chunk }

  /// The lane's chunk has ended.
  mutating func ended(in lane: Int) {
    precondition(chunks[lane] != nil, "a chunk ends once")
    chunks[lane] = nil
    inFlight -= 1
  }

  /// No more are started.
  mutating func stop() { count = started }

  var isDone: Bool { started == count && inFlight == 0 }
}
