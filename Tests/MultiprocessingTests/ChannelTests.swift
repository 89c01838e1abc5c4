import Testing

@testable import Multiprocessing

/// Pipes and queues as one process sees them: order, bounds, limits, ends.
@Suite("Channels in one process")
struct ChannelTests {
  // MARK: - Pipes

  @Test("messages come in order, then the end, again and again")
  func pipeOrder() async throws {
    let (receiver, sender) = try Pipe.oneWay(of: String.self)
    for word in ["one", "", "three"] { try await sender.send(word) }
    sender.close()
    for word in ["one", "", "three"] { #expect(try await receiver.receive() == word) }
    #expect(try await receiver.receive() == nil)
    #expect(try await receiver.receive() == nil)
    #expect(try await receiver.poll())
  }

  @Test("a message is awaited no longer than was said")
  func pipeTimeout() async throws {
    let (receiver, sender) = try Pipe.oneWay(of: Int.self)
    #expect(try await !receiver.poll())
    #expect(try await !receiver.poll(timeout: .milliseconds(5)))
    await #expect(throws: ChannelError.timedOut) { try await receiver.receive(timeout: .milliseconds(5)) }
    try await sender.send(3)
    #expect(try await receiver.poll())
    #expect(try await receiver.receive(timeout: .zero) == 3)
  }

  @Test("a full pipe makes its sender wait, and a message that then fits goes on")
  func pipeFull() async throws {
    let (receiver, sender) = try Pipe.oneWay(of: [UInt8].self)
    let message = [UInt8](repeating: 1, count: 20_000)
    var sent = 0
    await #expect(throws: ChannelError.timedOut) {
      while true {
        try await sender.send(message, timeout: .milliseconds(10))
        sent += 1
      }
    }
    #expect(sent > 1)
    let late = Task { try await sender.send(message) }
    for _ in 0...sent { #expect(try await receiver.receive() == message) }
    try await late.value
  }

  @Test("a closed end is refused, and the other side is told")
  func pipeClosed() async throws {
    let (first, second) = try Pipe.twoWays(Int.self, Int.self)
    first.close()
    first.close()
    await #expect(throws: ChannelError.closed) { try await first.send(1) }
    await #expect(throws: ChannelError.closed) { try await first.receive() }
    await #expect(throws: ChannelError.closed) { try await first.poll() }
    #expect(try await second.receive() == nil)
    await #expect(throws: ChannelError.noReceiver) { try await second.send(1) }
  }

  @Test("a cancelled receive throws at once, and takes no message with it")
  func pipeCancelled() async throws {
    let (receiver, sender) = try Pipe.oneWay(of: Int.self)
    for limit in [nil, Duration.seconds(60)] {
      let waiting = Task { try await receiver.receive(timeout: limit) }
      waiting.cancel()
      await #expect(throws: CancellationError.self) { try await waiting.value }
    }
    try await sender.send(1)
    #expect(try await receiver.receive() == 1)
  }

  @Test("what is not a value of the type is refused")
  func pipeWrongType() async throws {
    let (first, second) = try Pipe.twoWays(Int.self, Int.self)
    let encoded = try ValueCodec.encodeWithFiles(second)
    let liar = try ValueCodec.decode(PipeEnd<String, Int>.self, from: encoded.bytes, files: encoded.files)
    try await liar.send("this is not a number")
    await #expect { try await first.receive() } throws: { error in
      if case ChannelError.value(.undecodable) = error { true } else { false }
    }
  }

  @Test("an end goes through a pipe")
  func pipeThroughPipe() async throws {
    let (receiver, sender) = try Pipe.oneWay(of: PipeSender<Int>.self)
    let (answers, answer) = try Pipe.oneWay(of: Int.self)
    try await sender.send(answer)
    answer.close()
    try await receiver.receive()?.send(42)
    #expect(try await answers.receive() == 42)
    #expect(try await answers.receive() == nil)
  }

  // MARK: - Queues

  @Test("a queue holds as many items as was said, not one more", arguments: [1, 2, 7])
  func queueBound(capacity: Int) async throws {
    let queue = try SharedQueue<Int>(capacity: capacity)
    for round in 0..<5 {
      for number in 0..<capacity { #expect(try queue.tryPut(round * 100 + number)) }
      #expect(try !queue.tryPut(-1))
      #expect(queue.count == capacity && queue.capacity == capacity)
      await #expect(throws: ChannelError.timedOut) { try await queue.put(-1, timeout: .milliseconds(2)) }
      for number in 0..<capacity { #expect(try queue.tryGet() == round * 100 + number) }
      #expect(try queue.tryGet() == nil)
      await #expect(throws: ChannelError.timedOut) { try await queue.get(timeout: .milliseconds(2)) }
    }
  }

  @Test("who waits for room or for an item is woken")
  func queueWakes() async throws {
    let queue = try SharedQueue<Int>(capacity: 1)
    let takers = (0..<20).map { _ in Task { try await queue.get() } }
    for number in 0..<20 { try await queue.put(number) }
    var taken: Set<Int> = []
    for taker in takers { if let number = try await taker.value { taken.insert(number) } }
    #expect(taken == Set(0..<20))

    #expect(try queue.tryPut(0))
    let putters = (1...20).map { number in Task { try await queue.put(number) } }
    taken = []
    while taken.count < 21 { if let number = try await queue.get(timeout: .seconds(10)) { taken.insert(number) } }
    for putter in putters { try await putter.value }
    #expect(taken == Set(0...20))
  }

  @Test("a closed queue gives what it has, then the end; who waits is told, and putting is refused")
  func queueClosed() async throws {
    let queue = try SharedQueue<String>(capacity: 1)
    let waiting = (0..<3).map { _ in Task { try await queue.get() } }
    queue.close()
    for task in waiting { #expect(try await task.value == nil) }

    let other = try SharedQueue<String>(capacity: 1)
    try await other.put("last")
    let putter = Task { try await other.put("too late") }
    // Either it waits by then, or it comes afterwards: it is refused.
    other.close()
    other.close()
    await #expect(throws: ChannelError.closed) { try await putter.value }
    #expect(throws: ChannelError.closed) { try other.tryPut("too late") }
    #expect(other.isClosed)
    #expect(try await other.get() == "last")
    #expect(try await other.get() == nil)
    #expect(try other.tryGet() == nil)
  }

  @Test("a cancelled get takes no item with it")
  func queueCancelled() async throws {
    let queue = try SharedQueue<Int>(capacity: 1)
    for limit in [nil, Duration.seconds(60)] {
      let waiting = Task { try await queue.get(timeout: limit) }
      waiting.cancel()
      await #expect(throws: CancellationError.self) { try await waiting.value }
    }
    try await queue.put(1)
    #expect(try await queue.get() == 1)
  }

  @Test("what died between its files and its item is passed over")
  func staleFiles() throws {
    let ring = try QueueRing(capacity: 4)
    let carrier = QueueCarrier(sending: ring.files[3], receiving: ring.files[4])
    let counter = try SharedValue(1)
    let item = try QueueItem(Message(encoding: counter))
    // As a producer that is killed leaves it: the ticket was given out, the item never stored.
    guard case .put = try ring.put(item, waits: false) else { return #expect(Bool(false), "no room") }
    var stale = 0
    while try carrier.send(item.files, ticket: 1) { stale += 1 }
    #expect(stale > 100)
    guard case .full = try ring.put(item, waits: false) else { return #expect(Bool(false), "there is room") }
    guard case .item(let first) = try ring.take(waits: false) else { return #expect(Bool(false), "no item") }
    #expect(try first.message().value(SharedValue<Int>.self).value == 1)
    // They are behind no item any more, and are dropped.
    for _ in 0..<3 {
      guard case .put = try ring.put(item, waits: false) else { return #expect(Bool(false), "still full") }
    }
    for _ in 0..<3 {
      guard case .item(let item) = try ring.take(waits: false) else { return #expect(Bool(false), "no item") }
      #expect(try item.message().value(SharedValue<Int>.self).value == 1)
    }
  }

  // MARK: - Child processes

  @Test("a process without a launcher is told how to get one")
  func noLauncher() {
    let function = RemoteFunction("nothing") {}
    #expect { try ChildProcess(function) } throws: { "\($0)".contains("no launcher was started") }
    #expect { try SharedDictionary<Int, Int>() } throws: { "\($0)".contains("no launcher was started") }
    #expect { try Launcher.start([function]) } throws: { "\($0)".contains("only a single-threaded one may fork") }
  }
}
