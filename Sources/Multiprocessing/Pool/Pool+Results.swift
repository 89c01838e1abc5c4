// Many calls of one function, each value as soon as it is there.

extension Pool {
  /// Runs a function on every input and gives the results as they end, whatever their order: Python's `imap_unordered`, and
  /// `as_completed`.
  ///
  /// ```swift
  /// for await item in pool.results(factorize, [1, 3, 5, 22, 100_000_000]) {
  ///   print(item.index, try item.value)  // the long one comes last, and holds up nobody
  /// }
  /// ```
  ///
  /// An item that fails is a result too, and the others go on. So many calls are in flight, or ended and not yet taken, as keep
  /// the workers busy: a slow reader slows the pool down, and an endless sequence of inputs is welcome. Whoever stops
  /// reading cancels what is left.
  ///
  /// - Parameter chunkSize: inputs in a call; their results come together, a crash or a limit is theirs together.
  public func results<Inputs: Sequence & Sendable, Output>(
    _ function: RemoteFunction<Inputs.Element, Output>, _ inputs: Inputs, chunkSize: Int = 1, limits: CallLimits? = nil
  ) -> PoolResults<Inputs.Element, Output> {
    PoolResults(self, function, inputs, chunkSize: chunkSize, limits, inOrder: false)
  }

  /// Runs a function on every input and gives the results in the order of the inputs, each as soon as it and all before it are
  /// there: Python's `imap`.
  ///
  /// ```swift
  /// for await line in pool.orderedResults(parse, lines) { write(try line.value) }
  /// ```
  public func orderedResults<Inputs: Sequence & Sendable, Output>(
    _ function: RemoteFunction<Inputs.Element, Output>, _ inputs: Inputs, chunkSize: Int = 1, limits: CallLimits? = nil
  ) -> PoolResults<Inputs.Element, Output> {
    PoolResults(self, function, inputs, chunkSize: chunkSize, limits, inOrder: true)
  }
}

/// One result of many.
public struct PoolResult<Output: Sendable>: Sendable {
  /// Of its input, from 0.
  public let index: Int
  /// Its value, or why there is none.
  public let result: Result<Output, CallError>

  /// Its value; throws why there is none.
  public var value: Output {
    get throws(CallError) { try result.get() }
  }
}

/// The results of ``Pool/results(_:_:chunkSize:limits:)``. Each iteration runs all inputs anew; nothing runs before the first
/// result is asked for.
public struct PoolResults<Input: Codable & Sendable, Output: Codable & Sendable>: AsyncSequence, Sendable {
  public typealias Element = PoolResult<Output>
  public typealias Failure = Never

  private let makeRun: @Sendable () -> ResultsRun<Input, Output>

  init<Inputs: Sequence & Sendable>(
    _ pool: any Pool, _ function: RemoteFunction<Input, Output>, _ inputs: Inputs, chunkSize: Int,
    _ limits: CallLimits?, inOrder: Bool
  ) where Inputs.Element == Input {
    precondition(chunkSize > 0, "a chunk has at least one input")
    makeRun = {
      ResultsRun(pool, function, inputs, chunkSize: chunkSize, limits, inOrder: inOrder)
    }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(run: makeRun()) }

  public struct Iterator: AsyncIteratorProtocol {
    private let run: ResultsRun<Input, Output>
    private let end: EndOfReading
    private var chunk: (first: Int, ends: Result<ManyEnds<Output>, CallError>, count: Int)?
    private var taken = 0

    init(run: ResultsRun<Input, Output>) {
      self.run = run
      end = EndOfReading { run.cancel() }
    }

    /// The next result; `nil` after the last, and when the task is cancelled.
    public mutating func next(isolation actor: isolated (any Actor)?) async -> PoolResult<Output>? {
      while true {
        if let chunk, taken < chunk.count {
          defer { taken += 1 }
          let result = chunk.ends.flatMap { $0[taken] }
          return PoolResult(index: chunk.first + taken, result: result)
        }
        guard let next = await run.next() else { return nil }
        chunk = (next.first, next.reply.result, next.count)
        taken = 0
      }
    }
  }

  /// Lives as long as an iterator: then nobody reads any more.
  private final class EndOfReading: Sendable {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    deinit { body() }
  }
}
