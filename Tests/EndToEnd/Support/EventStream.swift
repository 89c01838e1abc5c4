/// A client that watches Server-Sent Events.
final class EventStream {
  struct Event: Equatable, CustomStringConvertible {
    var id = ""
    var name = ""
    var data = ""
    var json: JSON { get throws { try JSON.parse(Array(data.utf8)) } }
    var description: String { "\(id) \(name) \(data)" }
  }

  let reply: HTTPReply
  private let client: HTTPClient
  /// What came after the last whole block.
  private var text = ""
  private var ready: [Event] = []
  private var taken = 0

  /// Asks for the events at `target`; whatever else than a stream comes is in ``reply``.
  ///
  /// - Parameter receiveBufferBytes: makes the kernel keep little for a client that does not read.
  init(
    _ server: ServerProcess, _ target: String, after lastEventID: String? = nil, receiveBufferBytes: Int? = nil
  ) throws {
    client = try server.client(receiveBufferBytes: receiveBufferBytes)
    let resume = lastEventID.map { "Last-Event-ID: \($0)\r\n" } ?? ""
    try client.send("GET \(target) HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\(resume)\r\n")
    reply = try client.head()
  }

  /// The next event; `nil` at the stream's end.
  func next() throws -> Event? {
    while taken == ready.count {
      ready.removeAll(keepingCapacity: true)
      taken = 0
      guard let chunk = try client.chunk() else { return nil }
      text += String(decoding: chunk, as: UTF8.self)
      var blocks = text.split(separator: "\n\n", omittingEmptySubsequences: false)
      text = String(blocks.removeLast())
      // Comments and `retry` are blocks of their own, and no events.
      ready = blocks.map(Self.event).filter { !$0.name.isEmpty }
    }
    taken += 1
    return ready[taken - 1]
  }

  private static func event(_ block: Substring) -> Event {
    var event = Event()
    for line in block.split(separator: "\n") {
      if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
      if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
      if line.hasPrefix("data: ") { event.data = String(line.dropFirst(6)) }
    }
    return event
  }

  /// The next events up to the one that `isLast` is true of, with it.
  func events(until isLast: (Event) throws -> Bool) throws -> [Event] {
    var events: [Event] = []
    while let event = try next() {
      events.append(event)
      if try isLast(event) { return events }
    }
    throw NeverHappened(description: "the stream ended after \(events)")
  }

  /// All that comes until the stream ends.
  func rest() throws -> [Event] {
    var events: [Event] = []
    while let event = try next() { events.append(event) }
    return events
  }
}
