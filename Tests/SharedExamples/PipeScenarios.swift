import Glibc
import Multiprocessing

/// A value that refuses to be encoded.
struct Stubborn: Codable, Sendable {
  init() {}
  init(from decoder: any Decoder) throws {}
  func encode(to encoder: any Encoder) throws {
    throw EncodingError.invalidValue(self, .init(codingPath: [], debugDescription: "stubborn by intent"))
  }
}

/// Many bytes, made and compared by the block: byte by byte takes seconds in a debug build.
enum Bytes {
  static func pattern(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 7, count: count)
    for index in stride(from: 0, to: count, by: 4096) { bytes[index] = UInt8(truncatingIfNeeded: index >> 12) }
    return bytes
  }

  static func same(_ some: [UInt8]?, _ other: [UInt8]) -> Bool {
    guard let some, some.count == other.count else { return false }
    return memcmp(some, other, some.count) == 0
  }
}

enum PipeFunctions {
  static let takeStubborn = RemoteFunction("take_stubborn") { (_: Stubborn) in }
  static let square = RemoteFunction("square") { (questions: PipeEnd<Int, Int>) in
    while let question = try questions.receive() { try questions.send(question * question) }
  }
  static let squareAsync = RemoteFunction("square_async") { (questions: PipeEnd<Int, Int>) async throws -> Void in
    for try await question in questions.messages { try await questions.send(question * question) }
  }
  static let echoBytes = RemoteFunction("echo_bytes") { (pipe: PipeEnd<[UInt8], [UInt8]>) in
    while let bytes = try pipe.receive() { try pipe.send(bytes) }
  }
  /// Sends numbers as fast as it can, for ever.
  static let flood = RemoteFunction("flood") { (sender: PipeSender<[Int]>) in
    for number in 0... { try sender.send([number, number &* 7, -number]) }
  }
  /// Adds to whatever counters come.
  static let addToCounters = RemoteFunction("add_to_counters") { (receiver: PipeReceiver<SharedValue<Int>>) in
    while let counter = try receiver.receive() { counter.withLock { $0 += 1 } }
  }

  static let all: [any RegisteredFunction] = [takeStubborn, square, squareAsync, echoBytes, flood, addToCounters]
}

extension Scenario {
  static let pipes: [String: Scenario] = [
    "pipe_round_trip": Scenario { check in
      for function in [PipeFunctions.square, PipeFunctions.squareAsync] {
        let (here, there) = try Pipe.twoWays(Int.self, Int.self)
        let child = try ChildProcess(function, there)
        there.close()
        for number in 1...200 {
          try here.send(number)
          check(try here.receive(timeout: .seconds(5)) == number * number, "\(number) squared")
        }
        here.close()
        check(try child.join(timeout: .seconds(5)) == .exited(0), "\(String(describing: child.end))")
      }
    },
    "pipe_tasks": Scenario(async: { check in
      let (here, there) = try Pipe.twoWays(Int.self, Int.self)
      let child = try ChildProcess(PipeFunctions.square, there)
      there.close()
      // Far more than threads: were one of them blocked by each, none would be left to answer.
      let waiting = (0..<50).map { _ in Task { try await here.receive() ?? 0 } }
      for number in 0..<50 { try await here.send(number) }
      var sum = 0
      for task in waiting { sum += try await task.value }
      check(sum == (0..<50).map { $0 * $0 }.reduce(0, +), "\(sum)")
      do {
        _ = try await here.receive(timeout: .milliseconds(20))
        check.fail("something came that nobody sent")
      } catch { check(error as? ChannelError == .timedOut, "\(error)") }
      here.close()
      check(try await child.join() == .exited(0), "\(String(describing: child.end))")
    }),
    "pipe_64_megabytes": Scenario { check in
      let (here, there) = try Pipe.twoWays([UInt8].self, [UInt8].self)
      let child = try ChildProcess(PipeFunctions.echoBytes, there)
      there.close()
      let bytes = Bytes.pattern(64 << 20)
      try here.send(bytes)
      check(try Bytes.same(here.receive(), bytes), "64 MB changed on their way")
      here.close()
      try child.join()
    },
    "pipe_writer_killed": Scenario { check in
      for round in 0..<20 {
        let (receiver, sender) = try Pipe.oneWay(of: [Int].self)
        let writer = try ChildProcess(PipeFunctions.flood, sender)
        sender.close()
        var next = 0
        while next < round * 50 {
          check(try receiver.receive() == [next, next &* 7, -next], "message \(next)")
          next += 1
        }
        writer.kill()
        // What it had sent comes whole, and then the end.
        while let message = try receiver.receive(timeout: .seconds(5)) {
          check(message == [next, next &* 7, -next], "\(message) instead of \(next)")
          next += 1
        }
        check(try receiver.receive() == nil, "the end came only once")
        try writer.join()
      }
    },
    "pipe_reader_killed": Scenario { check in
      let (receiver, sender) = try Pipe.oneWay(of: SharedValue<Int>.self)
      let counter = try SharedValue(0)
      let reader = try ChildProcess(PipeFunctions.addToCounters, receiver)
      receiver.close()
      for _ in 0..<1000 { try sender.send(counter) }
      let end = ContinuousClock.now + .seconds(10)
      while counter.value < 1000 && ContinuousClock.now < end { usleep(500) }
      check(counter.value == 1000, "\(counter.value)")
      reader.kill()
      try reader.join()
      check.refuses("nobody is left") { try sender.send(counter) }
    },
  ]
}
