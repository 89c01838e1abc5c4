import Glibc
import Multiprocessing

/// What goes through the queue while its users are killed: long enough now and then to need a memory file.
struct Parcel: Codable, Sendable {
  var producer: Int
  var number: Int
  var filling: [UInt8]

  init(_ producer: Int, _ number: Int) {
    self.producer = producer
    self.number = number
    let size = number % 7 == 0 ? 50_000 : number % 3 == 0 ? 5_000 : 10
    filling = [UInt8](repeating: UInt8(truncatingIfNeeded: producer &* 31 &+ number), count: size)
  }

  var isIntact: Bool { filling == Parcel(producer, number).filling }
}

enum KillingFunctions {
  static let produce = RemoteFunction("produce") { (queue: SharedQueue<Parcel>, producer: Int) in
    for number in 0... { try queue.put(Parcel(producer, number)) }
  }
  static let produceAsync = RemoteFunction("produce_async") {
    (queue: SharedQueue<Parcel>, producer: Int) async throws -> Void in
    for number in 0... { try await queue.put(Parcel(producer, number)) }
  }
  /// Tells of each parcel: producer, number, whether it is intact.
  static let consume = RemoteFunction("consume") { (queue: SharedQueue<Parcel>, told: PipeSender<[Int]>) in
    while let parcel = try queue.get() {
      try told.send([parcel.producer, parcel.number, parcel.isIntact ? 1 : 0])
    }
  }
  static let consumeAsync = RemoteFunction("consume_async") {
    (queue: SharedQueue<Parcel>, told: PipeSender<[Int]>) async throws -> Void in
    for try await parcel in queue.elements {
      try await told.send([parcel.producer, parcel.number, parcel.isIntact ? 1 : 0])
    }
  }

  static let all: [any RegisteredFunction] = [produce, produceAsync, consume, consumeAsync]
}

/// Producers and consumers that are killed again and again, each replaced at once, and what came of it.
final class Massacre {
  static let capacity = 8
  static let kills = 150
  private let check: Check
  private let queue: SharedQueue<Parcel>
  private let results: PipeReceiver<[Int]>
  private let told: PipeSender<[Int]>
  private var producers: [ChildProcess] = []
  private var consumers: [ChildProcess] = []
  private var nextProducer = 0
  private var consumersKilled = 0
  private var seen: [Int: Set<Int>] = [:]

  init(_ check: Check) throws {
    self.check = check
    queue = try SharedQueue(capacity: Self.capacity)
    (results, told) = try Pipe.oneWay(of: [Int].self)
  }

  func run() throws {
    for _ in 0..<2 { try addProducer() }
    for _ in 0..<3 { try addConsumer() }
    for kill in 0..<Self.kills {
      try read(for: .microseconds(Int.random(in: 0..<4000)))
      check(queue.count <= Self.capacity, "\(queue.count) items are in a queue of \(Self.capacity)")
      try killOne(ofProducers: kill % 2 == 0)
    }
    try readUntilItFlows()
    for producer in producers { try end(producer) }
    while queue.count > 0 { try read(for: .milliseconds(1)) }
    queue.close()
    while consumers.contains(where: \.isAlive) { try read(for: .milliseconds(1)) }
    for consumer in consumers {
      check(consumer.end == .exited(0), "a consumer ended with \(String(describing: consumer.end))")
    }
    try read(for: .zero)
    // Each consumer that was killed may have held one that it had not told of.
    let missing = seen.values.reduce(0) { $0 + ($1.max() ?? -1) + 1 - $1.count }
    check(missing <= consumersKilled, "\(missing) parcels are lost, \(consumersKilled) consumers were killed")
    let count = seen.values.reduce(0) { $0 + $1.count }
    check(count > Self.kills, "only \(count) parcels came")
  }

  private func addProducer() throws {
    let function = nextProducer % 2 == 0 ? KillingFunctions.produce : KillingFunctions.produceAsync
    producers.append(try ChildProcess(function, queue, nextProducer))
    nextProducer += 1
  }

  private func addConsumer() throws {
    let function = consumersKilled % 2 == 0 ? KillingFunctions.consume : KillingFunctions.consumeAsync
    consumers.append(try ChildProcess(function, queue, told))
  }

  private func killOne(ofProducers: Bool) throws {
    if ofProducers {
      try end(producers.remove(at: .random(in: producers.indices)))
      try addProducer()
    } else {
      try end(consumers.remove(at: .random(in: consumers.indices)))
      consumersKilled += 1
      try addConsumer()
    }
  }

  private func end(_ child: ChildProcess) throws {
    check(child.isAlive, "\(child.name) ended before it was killed: \(String(describing: child.end))")
    child.kill()
    try child.join()
  }

  private func read(for limit: Duration) throws {
    let end = ContinuousClock.now + limit
    repeat {
      while try results.poll(timeout: .zero), let result = try results.receive() { take(result) }
    } while try ContinuousClock.now < end && results.poll(timeout: .microseconds(200)) || ContinuousClock.now < end
  }

  private func take(_ result: [Int]) {
    let (producer, number) = (result[0], result[1])
    check(result[2] == 1, "parcel \(number) of producer \(producer) is damaged")
    check(seen[producer, default: []].insert(number).inserted, "parcel \(number) of producer \(producer) came twice")
  }

  /// Nothing is wedged: parcels of those who live now come.
  private func readUntilItFlows() throws {
    let end = ContinuousClock.now + .seconds(20)
    let newest = nextProducer - 1
    while seen[newest, default: []].count < 50 {
      if ContinuousClock.now > end { return check.fail("the queue is wedged with \(queue.count) items in it") }
      try read(for: .milliseconds(1))
    }
  }
}

extension Scenario {
  static let killings: [String: Scenario] = [
    "queue_users_killed": Scenario { check in try Massacre(check).run() }
  ]
}
