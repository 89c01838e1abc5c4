/// What a job printed and the store has not got yet; bounded over the whole attempt.
struct LogBuffer: Sendable {
  /// The most that is kept of what one attempt prints.
  static let limitBytes = 1024 * 1024
  private static let mark = Array("\n[log truncated: more than 1 MiB]\n".utf8)

  private(set) var pending: [UInt8] = []
  private var total = 0
  private var isFull = false

  var isEmpty: Bool { pending.isEmpty }

  mutating func append(_ bytes: some Collection<UInt8>) {
    if isFull || bytes.isEmpty { return }
    let room = Self.limitBytes - total
    pending.append(contentsOf: bytes.prefix(room))
    total += min(room, bytes.count)
    if bytes.count > room {
      isFull = true
      pending.append(contentsOf: Self.mark)
    }
  }

  mutating func take() -> [UInt8] {
    defer { pending = [] }
    return pending
  }
}
