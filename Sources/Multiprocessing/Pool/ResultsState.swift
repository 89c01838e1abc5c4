/// Which chunk of a sequence of inputs is started next, and which result is given next. Pure, but for the sequence itself.
struct ResultsState<Input, Reply> {
  /// A chunk that has ended.
  struct Ended {
    let number: Int
    /// Index of its first input.
    let first: Int
    let count: Int
    let reply: Reply
  }

  private let inOrder: Bool
  /// Chunks that may be in flight, or ended and not yet given.
  private let window: Int
  /// The next inputs, none at the end; `nil`: there are no more.
  private var takeChunk: (() -> [Input])?
  private var running: Set<Int> = []
  private var ended: [Int: Ended] = [:]
  /// Numbers in the order in which they ended.
  private var order: ArraySlice<Int> = []
  private var nextNumber = 0
  private var nextFirst = 0
  private var nextToGive = 0

  init(window: Int, inOrder: Bool, takeChunk: @escaping () -> [Input]) {
    self.window = window
    self.inOrder = inOrder
    self.takeChunk = takeChunk
  }

  /// Nothing is in flight, and nothing will be.
  var isQuiet: Bool { takeChunk == nil && running.isEmpty }
  /// Nothing more will be given.
  var isOver: Bool { isQuiet && ended.isEmpty }

  func isRunning(_ number: Int) -> Bool { running.contains(number) }

  /// The next chunk, if there is one and room for it.
  mutating func startNext() -> (number: Int, first: Int, inputs: [Input])? {
    guard let takeChunk, running.count + ended.count < window else { return nil }
    let inputs = takeChunk()
    if inputs.isEmpty {
      self.takeChunk = nil
      return nil
    }
    defer {
      running.insert(nextNumber)
      nextNumber += 1
      nextFirst += inputs.count
    }
    return (nextNumber, nextFirst, inputs)
  }

  mutating func end(_ chunk: Ended) {
    running.remove(chunk.number)
    ended[chunk.number] = chunk
    if !inOrder { order.append(chunk.number) }
  }

  /// What the reader gets next, if it is there.
  mutating func take() -> Ended? {
    if !inOrder { return order.popFirst().flatMap { ended.removeValue(forKey: $0) } }
    guard let chunk = ended.removeValue(forKey: nextToGive) else { return nil }
    nextToGive += 1
    return chunk
  }

  /// Starts and gives nothing more.
  mutating func stop() {
    takeChunk = nil
    ended = [:]
    order = []
  }
}

extension ResultsState.Ended: Sendable where Reply: Sendable {}
