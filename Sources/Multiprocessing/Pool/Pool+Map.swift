// Many calls of one function, with all their values in order.

extension Pool {
  /// Runs a function on every input and gives the values in the order of the inputs: Python's `map`.
  ///
  /// ```swift
  /// let squares = try await pool.map(square, 1...1_000_000)
  /// ```
  ///
  /// The inputs go in chunks, one call each, so few of them in flight that the workers are kept busy. Limits are a chunk's, and
  /// so is a crash; the function's own error is the item's. The first error ends the map: chunks that run are cancelled,
  /// the others never start. Cancelling the task does the same.
  ///
  /// - Parameter chunkSize: inputs in a call; `nil`: a quarter of each worker's share, as CPython's `Pool.map` has it.
  // Inlined, so that making an array of a range is compiled where its type is known.
  @inlinable @discardableResult
  public func map<Inputs: Collection, Output>(
    _ function: RemoteFunction<Inputs.Element, Output>, _ inputs: Inputs, chunkSize: Int? = nil,
    limits: CallLimits? = nil
  ) async throws(CallError) -> [Output] {
    try await map(function, array: Array(inputs), chunkSize: chunkSize, limits: limits)
  }

  @usableFromInline
  func map<Input, Output>(
    _ function: RemoteFunction<Input, Output>, array inputs: [Input], chunkSize: Int?, limits: CallLimits?
  ) async throws(CallError) -> [Output] {
    precondition(chunkSize ?? 1 > 0, "a chunk has at least one input")
    if inputs.isEmpty { return [] }
    try await gate.enter()
    defer { gate.leave() }
    let chunkSize = min(inputs.count, chunkSize ?? ChunkSize.usual(items: inputs.count, workers: size))
    let items = MapValues(function, inputs, chunkSize: chunkSize, limits)
    let run = MapRun(self, items, mostInFlight: ChunkSize.inFlight(chunkSize: chunkSize, workers: size))
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in run.start { continuation.resume() } }
    } onCancel: {
      run.cancel()
    }
    if let failure = run.failure { throw failure }
    return items.outputs()
  }

  /// Runs a function of several arguments on every row of them: Python's `starmap`.
  ///
  /// ```swift
  /// let powers = try await pool.starmap(power, [(2, 5), (3, 2), (10, 3)])  // [32, 9, 1000]
  /// ```
  @discardableResult
  public func starmap<each Argument, Output>(
    _ function: RemoteFunction<Arguments<repeat each Argument>, Output>, _ rows: [(repeat each Argument)],
    chunkSize: Int? = nil, limits: CallLimits? = nil
  ) async throws(CallError) -> [Output] {
    try await map(function, rows.map { Arguments(repeat each $0) }, chunkSize: chunkSize, limits: limits)
  }
}

enum ChunkSize {
  /// CPython's Lib/multiprocessing/pool.py, `_map_async`: a quarter of a worker's share, rounded up.
  static func usual(items: Int, workers: Int) -> Int { max(1, (items + 4 * workers - 1) / (4 * workers)) }

  /// Chunks in flight: two for each worker, so that one waits when the other ends; and of small ones as many as make up for
  /// the way there and back (a round trip between sleeping processes takes some 45 µs, a small item less than one).
  static func inFlight(chunkSize: Int, workers: Int) -> Int { max(2 * workers, 64 / chunkSize) }

  /// From this many items on a chunk is encoded and decoded on a thread of its own, and not between other events.
  static let coarse = 64
}
