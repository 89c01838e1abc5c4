/// What became of many items of one call, in order.
enum ManyEnds<Output: Codable & Sendable>: Sendable {
  /// None has thrown: numbers travel as one block.
  case all([Output])
  /// At least one has.
  case mixed([ItemEnd<Output>])

  var count: Int {
    switch self {
    case .all(let outputs): outputs.count
    case .mixed(let ends): ends.count
    }
  }

  subscript(index: Int) -> Result<Output, CallError> {
    switch self {
    case .all(let outputs): .success(outputs[index])
    case .mixed(let ends): ends[index].result
    }
  }

  /// All outputs; else what the first that threw threw.
  func outputs() throws(CallError) -> [Output] {
    switch self {
    case .all(let outputs): return outputs
    case .mixed(let ends):
      var outputs: [Output] = []
      outputs.reserveCapacity(ends.count)
      for end in ends { outputs.append(try end.result.get()) }
      return outputs
    }
  }
}

extension ItemEnd {
  var result: Result<Output, CallError> {
    switch self {
    case .returned(let output): .success(output)
    case .threw(let text): .failure(.threw(text))
    }
  }
}
