import Glibc
import Multiprocessing

enum BenchmarkFunctions {
  static let answerPipe = RemoteFunction("answer_pipe") { (pipe: PipeEnd<Int, Int>) in
    while let number = try pipe.receive() { try pipe.send(number) }
  }
  static let answerQueue = RemoteFunction("answer_queue") { (given: SharedQueue<Int>, back: SharedQueue<Int>) in
    while let number = try given.get() { try back.put(number) }
  }
  static let fill = RemoteFunction("fill") { (sender: PipeSender<Int>, count: Int) in
    for number in 0..<count { try sender.send(number) }
  }

  static let all: [any RegisteredFunction] = [answerPipe, answerQueue, fill]
}

/// What they cost; nothing is checked.
extension Scenario {
  static let benchmarks: [String: Scenario] = [
    "measure": Scenario { _ in
      let count = 20_000
      let (here, there) = try Pipe.twoWays(Int.self, Int.self)
      _ = try ChildProcess(BenchmarkFunctions.answerPipe, there)
      there.close()
      try measure("round trips through a pipe", count) {
        for number in 0..<count {
          try here.send(number)
          _ = try here.receive()
        }
      }
      here.close()

      let (receiver, sender) = try Pipe.oneWay(of: Int.self)
      _ = try ChildProcess(BenchmarkFunctions.fill, sender, count * 10)
      sender.close()
      try measure("messages through a pipe", count * 10) { while try receiver.receive() != nil {} }

      let given = try SharedQueue<Int>(capacity: 100)
      let back = try SharedQueue<Int>(capacity: 100)
      _ = try ChildProcess(BenchmarkFunctions.answerQueue, given, back)
      try measure("round trips through two queues", count) {
        for number in 0..<count {
          try given.put(number)
          _ = try back.get()
        }
      }
      given.close()

      for capacity in [10, 1000] {
        let queue = try SharedQueue<Int>(capacity: capacity)
        let producer = try ChildProcess(QueueFunctions.putRange, queue, 0..<count * 10)
        try measure("items through a queue of \(capacity)", count * 10) {
          for _ in 0..<count * 10 { _ = try queue.get() }
        }
        try producer.join()
      }

      let counter = try SharedValue(0)
      let children = try (0..<2).map { _ in try ChildProcess(LockFunctions.count, counter, count * 50) }
      try measure("increments by two processes", count * 100) { for child in children { try child.join() } }

      try measure("child processes, started and joined", 200) {
        for _ in 0..<200 { try ChildProcess(ChildFunctions.nothing).join() }
      }

      let stock = try SharedDictionary<String, Int>()
      try measure("sets of a dictionary", count) { for number in 0..<count { try stock.set("a", to: number) } }
    }
  ]

  private static func measure(_ what: String, _ count: Int, _ body: () throws -> Void) throws {
    let time = try ContinuousClock().measure(body)
    let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
    print("\(Int(Double(count) / seconds)) \(what) a second")
  }
}
