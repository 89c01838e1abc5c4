import Glibc

/// A condition that did not come true in time.
struct NeverHappened: Error, CustomStringConvertible {
  let description: String
}

/// Long, because the machine may be busy; nothing waits this long where all is well.
let patience = Duration.seconds(60)

/// Looks again and again until what is seen is enough, and returns that. Past the limit it throws with what was seen last.
@discardableResult
func eventually<Seen>(
  _ what: String, within limit: Duration = patience, see: () throws -> Seen, until isEnough: (Seen) throws -> Bool
) throws -> Seen {
  let deadline = ContinuousClock.now + limit
  while true {
    let seen = try see()
    if try isEnough(seen) { return seen }
    guard ContinuousClock.now < deadline else {
      throw NeverHappened(description: "not within \(limit): \(what); seen last: \(seen)")
    }
    breathe()
  }
}

/// Until the condition holds.
func eventually(_ what: String, within limit: Duration = patience, _ isTrue: () throws -> Bool) throws {
  try eventually(what, within: limit, see: isTrue, until: { $0 })
}

/// The pause between two looks: long enough not to keep a core busy.
private func breathe() { _ = poll(nil, 0, 10) }
