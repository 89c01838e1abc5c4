/// What became of many items of one call, in order.
struct ManyEnds<Output: Codable & Sendable>: Sendable {
  /// As long as none has thrown: numbers travel as one block.
  private(set) var outputs: [Output]
  /// All of them, once one has thrown; empty before.
  private(set) var mixed: [ItemEnd<Output>] = []

  init(reserving count: Int) {
    outputs = []
    outputs.reserveCapacity(count)
  }

  init(_ outputs: [Output]) { self.outputs = outputs }

  init(_ mixed: [ItemEnd<Output>]) {
    outputs = []
    self.mixed = mixed
  }

  mutating func append(_ output: Output) {
    if mixed.isEmpty { outputs.append(output) } else { mixed.append(.returned(output)) }
  }

  mutating func appendFailure(_ text: String) {
    if mixed.isEmpty {
      mixed = outputs.map { .returned($0) }
      outputs = []
    }
    mixed.append(.threw(text))
  }

  var count: Int { mixed.isEmpty ? outputs.count : mixed.count }

  subscript(index: Int) -> Result<Output, CallError> {
    if mixed.isEmpty { return .success(outputs[index]) }
    return switch mixed[index] {
    case .returned(let output): .success(output)
    case .threw(let text): .failure(.threw(text))
    }
  }

  /// What the first that threw threw.
  var firstFailure: CallError? {
    for case .threw(let text) in mixed { return .threw(text) }
    return nil
  }
}
