import Synchronization

/// The inputs of a map in chunks and, as they come, its outputs. What depends on their types is its subclass's.
///
/// A chunk is touched by one at a time, different chunks by many.
class MapItems: @unchecked Sendable {
  // @unchecked: constants, and a buffer that says why; the subclass says more.
  let function: String
  let limits: CallLimits?
  let chunkCount: Int
  private let count: Int
  private let chunkSize: Int
  /// Where outputs go that are numbers; `nil`: they are not.
  fileprivate let numbers: NumberBuffer?

  fileprivate init(_ function: String, _ limits: CallLimits?, count: Int, chunkSize: Int, numbers: NumberBuffer?) {
    self.function = function
    self.limits = limits
    self.count = count
    self.chunkSize = chunkSize
    chunkCount = (count + chunkSize - 1) / chunkSize
    self.numbers = numbers
  }

  /// So large that its values are encoded and decoded on a thread of their own, and not between other events.
  final var isCoarse: Bool { chunkSize >= ChunkSize.coarse }

  fileprivate final func range(of chunk: Int) -> Range<Int> {
    chunk * chunkSize..<min((chunk + 1) * chunkSize, count)
  }

  func encode(_ chunk: Int) throws(ValueCodingError) -> EncodedValue { preconditionFailure("each type has its own") }

  func runHere(_ chunk: Int) async throws -> any Sendable { preconditionFailure("each type has its own") }

  /// Keeps a chunk's outputs; throws why there are none, or not all.
  final func keep(_ end: PoolEnd, of chunk: Int) throws(CallError) {
    switch end {
    case .failure(let error): throw error
    case .finished(let finished): if try !keepNumbers(finished, of: chunk) { try keepValues(finished, of: chunk) }
    case .ranHere(let ends): try keepValues(ends, of: chunk)
    }
  }

  fileprivate func keepValues(_ finished: FinishedCall, of chunk: Int) throws(CallError) {
    preconditionFailure("each type has its own")
  }

  fileprivate func keepValues(_ ends: any Sendable, of chunk: Int) throws(CallError) {
    preconditionFailure("each type has its own")
  }

  /// False: what came is anything but a block of the numbers that are wanted.
  private func keepNumbers(_ finished: FinishedCall, of chunk: Int) throws(CallError) -> Bool {
    guard let numbers, case .returned(let payload, let meta) = finished.outcome, meta.first == ReturnForm.many.rawValue
    else { return false }
    do {
      return try payload.withBytes { numbers.put($0, at: range(of: chunk)) }
    } catch {
      // The memory file it came in could not be read.
      throw .lost("\(error)")
    }
  }
}

/// The items of a map over these types.
final class MapValues<Input: Codable & Sendable, Output: Codable & Sendable>: MapItems, @unchecked Sendable {
  // @unchecked: what is added are constants, and outputs behind a lock.
  private let body: RemoteFunction<Input, Output>
  private let inputs: [Input]
  private let inputCoding = ArrayCoding<Input>()
  /// What each chunk gave, unless it is in the buffer of numbers.
  private let chunks: Mutex<[[Output]]>

  init(_ body: RemoteFunction<Input, Output>, _ inputs: [Input], chunkSize: Int, _ limits: CallLimits?) {
    self.body = body
    self.inputs = inputs
    let numbers = ArrayCoding<Output>().number.map { NumberBuffer(of: $0, count: inputs.count) }
    let chunkCount = numbers == nil ? (inputs.count + chunkSize - 1) / chunkSize : 0
    chunks = Mutex(Array(repeating: [], count: chunkCount))
    super.init(body.name, limits, count: inputs.count, chunkSize: chunkSize, numbers: numbers)
  }

  /// All outputs in order, once every chunk has been kept.
  func outputs() -> [Output] {
    if let numbers { return numbers.array(of: Output.self) }
    var outputs: [Output] = []
    outputs.reserveCapacity(inputs.count)
    for chunk in chunks.withLock({ $0 }) { outputs.append(contentsOf: chunk) }
    return outputs
  }

  override func encode(_ chunk: Int) throws(ValueCodingError) -> EncodedValue {
    try inputCoding.encode(inputs, range(of: chunk))
  }

  override func runHere(_ chunk: Int) async throws -> any Sendable {
    await body.runMany(Array(inputs[range(of: chunk)]))
  }

  override fileprivate func keepValues(_ finished: FinishedCall, of chunk: Int) throws(CallError) {
    keep(try ManyEnds<Output>(finished, count: range(of: chunk).count, of: function).outputs(), of: chunk)
  }

  override fileprivate func keepValues(_ ends: any Sendable, of chunk: Int) throws(CallError) {
    guard let ends = ends as? ManyEnds<Output> else { preconditionFailure("a call gives a value of its own type") }
    keep(try ends.outputs(), of: chunk)
  }

  private func keep(_ outputs: [Output], of chunk: Int) {
    if let numbers { return numbers.put(outputs, at: range(of: chunk)) }
    chunks.withLock { $0[chunk] = outputs }
  }
}
