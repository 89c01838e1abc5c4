import Glibc
import Multiprocessing

enum QueueFunctions {
  static let takeAll = RemoteFunction("take_all") { (queue: SharedQueue<Int>) in
    while try queue.get() != nil {}
  }
  static let putRange = RemoteFunction("put_range") { (queue: SharedQueue<Int>, numbers: Range<Int>) in
    for number in numbers { try queue.put(number) }
  }
  static let putRangeAsync = RemoteFunction("put_range_async") {
    (queue: SharedQueue<Int>, numbers: Range<Int>) async throws -> Void in
    for number in numbers { try await queue.put(number) }
  }
  /// Tells how many came, and their sum.
  static let sum = RemoteFunction("sum") { (queue: SharedQueue<Int>, result: PipeSender<[Int]>) in
    var (count, sum) = (0, 0)
    while let number = try queue.get() {
      count += 1
      sum += number
    }
    try result.send([count, sum])
  }
  static let sumAsync = RemoteFunction("sum_async") {
    (queue: SharedQueue<Int>, result: PipeSender<[Int]>) async throws -> Void in
    var (count, sum) = (0, 0)
    for try await number in queue.elements {
      count += 1
      sum += number
    }
    try await result.send([count, sum])
  }
  static let sendBack = RemoteFunction("send_back") { (given: SharedQueue<[UInt8]>, back: SharedQueue<[UInt8]>) in
    while let bytes = try given.get() { try back.put(bytes) }
  }
  static let addToCounters = RemoteFunction("add_to_queued_counters") { (queue: SharedQueue<SharedValue<Int>>) in
    while let counter = try queue.get() { counter.withLock { $0 += 1 } }
  }

  static let all: [any RegisteredFunction] =
    [takeAll, putRange, putRangeAsync, sum, sumAsync, sendBack, addToCounters] + KillingFunctions.all
    + BenchmarkFunctions.all
}

extension Scenario {
  static let queues: [String: Scenario] = [
    "queue": Scenario { check in
      let queue = try SharedQueue<Int>(capacity: 10)
      let (results, sender) = try Pipe.oneWay(of: [Int].self)
      let consumers = try [
        ChildProcess(QueueFunctions.sum, queue, sender), ChildProcess(QueueFunctions.sumAsync, queue, sender),
        ChildProcess(QueueFunctions.sum, queue, sender),
      ]
      let producers = try [
        ChildProcess(QueueFunctions.putRange, queue, 0..<2000),
        ChildProcess(QueueFunctions.putRangeAsync, queue, 2000..<4000),
        ChildProcess(QueueFunctions.putRange, queue, 4000..<6000),
      ]
      for producer in producers {
        while producer.isAlive { check(queue.count <= 10, "there are \(queue.count) items in a queue of 10") }
        check(producer.end == .exited(0), "\(String(describing: producer.end))")
      }
      queue.close()
      var (count, sum) = (0, 0)
      for consumer in consumers {
        let result = try results.receive(timeout: .seconds(10)) ?? [0, 0]
        count += result[0]
        sum += result[1]
        check(try consumer.join(timeout: .seconds(10)) == .exited(0), "\(String(describing: consumer.end))")
      }
      check(count == 6000 && sum == (0..<6000).reduce(0, +), "\(count) items came, their sum is \(sum)")
    },
    "queue_64_megabytes": Scenario { check in
      let given = try SharedQueue<[UInt8]>(capacity: 2)
      let back = try SharedQueue<[UInt8]>(capacity: 2)
      let child = try ChildProcess(QueueFunctions.sendBack, given, back)
      for size in [64 << 20, 1, 32_000, 32 * 1024, 40_000, 0] {
        let bytes = Bytes.pattern(size)
        try given.put(bytes)
        check(try Bytes.same(back.get(timeout: .seconds(20)), bytes), "\(size) bytes changed on their way")
      }
      given.close()
      check(try child.join() == .exited(0), "\(String(describing: child.end))")
    },
    "queue_of_shared_things": Scenario { check in
      let queue = try SharedQueue<SharedValue<Int>>(capacity: 300)
      let counter = try SharedValue(0)
      var put = 0
      while try queue.tryPut(counter) { put += 1 }
      check(put > 200, "only \(put) values with open files fit")
      let children = try (0..<2).map { _ in try ChildProcess(QueueFunctions.addToCounters, queue) }
      for _ in 0..<2000 { try queue.put(counter, timeout: .seconds(10)) }
      queue.close()
      for child in children { check(try child.join() == .exited(0), "\(String(describing: child.end))") }
      check(counter.value == put + 2000, "\(counter.value) of \(put + 2000) came")
    },
  ]
}
