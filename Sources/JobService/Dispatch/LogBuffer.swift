/// What a job printed and the store has not got yet; bounded over the whole attempt.
struct LogBuffer: Sendable {
  /// The most that is kept of what one attempt prints; a line that says so follows.
  let limitBytes: Int
  private(set) var pending: [UInt8] = []
  private var total = 0
  private var isFull = false

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  var isEmpty: Bool { pending.isEmpty }

  /// - Returns: whether the limit was crossed just now.
  @discardableResult
  mutating func append(_ bytes: some Collection<UInt8>) -> Bool {
    if isFull || bytes.isEmpty { return false }
    let room = limitBytes - total
    pending.append(contentsOf: bytes.prefix(room))
    total += min(room, bytes.count)
    if bytes.count > room {
      isFull = true
      pending.append(contentsOf: "\n[log truncated: more than \(limitBytes) bytes]\n".utf8)
    }
    return isFull
  }

  mutating func take() -> [UInt8] {
    defer { pending = [] }
    return pending
  }
}
