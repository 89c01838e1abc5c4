import Glibc
import Multiprocessing
import Synchronization

/// What the pools of the examples can be asked to run.
enum Functions {
  static let square = RemoteFunction("square") { (n: Int) in n * n }
  static let power = RemoteFunction("power") { (base: Int, exponent: Int) in
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
  static let digits = RemoteFunction("digits") { (n: Int) in "\(n)" }
  static let length = RemoteFunction("length") { (text: String) in text.count }
  static let answer = RemoteFunction("answer") { 42 }
  /// Steps through a number; a hundred million of them take a while.
  static let countSteps = RemoteFunction("count_steps") { (steps: Int) in
    var sum: UInt64 = 0
    var step = 0
    while step < steps {
      sum = sum &* 31 &+ UInt64(truncatingIfNeeded: step)
      step += 1
    }
    return sum
  }
  static let nap = RemoteFunction("nap") { (milliseconds: Int) async throws in
    try await Task.sleep(for: .milliseconds(milliseconds))
    return milliseconds
  }
  static let refuseSevens = RemoteFunction("refuse_sevens") { (n: Int) throws in
    if n % 7 == 0 { throw Refusal(number: n) }
    return n
  }
  /// Computes until it is told to stop; with a file as a sign that it began.
  static let computeUntilCancelled = RemoteFunction("compute_until_cancelled") { (sign: String) throws in
    close(creat(sign, 0o600))
    while !CurrentCall.isCancelled {}
    throw CancellationError()
  }
  static let pid = RemoteFunction("pid") { getpid() }
  static let napAndPID = RemoteFunction("nap_and_pid") { (milliseconds: Int) async throws in
    try await Task.sleep(for: .milliseconds(milliseconds))
    return getpid()
  }

  // MARK: - For processes only

  static let deafSpin = RemoteFunction("deaf_spin") { (sign: String) in
    close(creat(sign, 0o600))
    while getpid() > 0 {}
  }
  static let trap = RemoteFunction("trap") { (index: Int) in [1, 2, 3][index] }
  static let leave = RemoteFunction("leave") { (status: Int32) -> Void in exit(status) }
  static let takeMemory = RemoteFunction("take_memory") { (megabytes: Int) in
    var kept: [[UInt8]] = []
    for _ in 0..<megabytes {
      kept.append([UInt8](repeating: 1, count: 1 << 20))
      usleep(500)
    }
    return kept.count
  }
  static let swapEnds = RemoteFunction("swap_ends") { (bytes: [UInt8]) in
    var bytes = bytes
    bytes.swapAt(0, bytes.count - 1)
    return bytes
  }
  static let tableSum = RemoteFunction("table_sum") { table.withLock { $0.reduce(0, +) } }
  static let say = RemoteFunction("say") { (line: String) in print(line) }
  static let secretive = RemoteFunction("secretive") { (tells: Bool) in Secret(tells: tells) }
  static let poolInPool = RemoteFunction("pool_in_pool") { () throws in
    _ = try ProcessPool(size: 1)
  }

  // MARK: - A counter that all workers share

  static let counter = Mutex<SharedValue<Int>?>(nil)
  static let useCounter = RemoteFunction("use_counter") { (shared: SharedValue<Int>) in counter.withLock { $0 = shared }
  }
  static let increment = RemoteFunction("increment") { (times: Int) throws in
    guard let counter = counter.withLock({ $0 }) else { throw Refusal(number: 0) }
    for _ in 0..<times { counter.withLock { $0 += 1 } }
  }
  static let incrementGiven = RemoteFunction("increment_given") { (counter: SharedValue<Int>, times: Int) in
    for _ in 0..<times { counter.withLock { $0 += 1 } }
  }
  /// Fails as long as the counter is even, and makes it odd.
  static let prepareAtSecondTry = RemoteFunction("prepare_at_second_try") { (tries: SharedValue<Int>) throws in
    let number = tries.withLock { tries in
      tries += 1
      return tries
    }
    if number % 2 == 1 { throw Refusal(number: number) }
  }

  /// Loaded by the program's preload.
  static let table = Mutex<[Int]>([])

  static let all: [any RegisteredFunction] = [
    square, power, digits, length, answer, countSteps, nap, refuseSevens, computeUntilCancelled, pid, napAndPID,
    deafSpin, trap, leave, takeMemory, swapEnds, tableSum, say, secretive, poolInPool, useCounter, increment,
    incrementGiven, prepareAtSecondTry,
  ]

  /// Nobody registers this one.
  static let unregistered = RemoteFunction("unregistered") { (n: Int) in n }
}

struct Refusal: Error, CustomStringConvertible {
  let number: Int
  var description: String { "\(number) is refused" }
}

/// A value that may refuse to travel.
struct Secret: Codable, Sendable {
  var tells: Bool

  func encode(to encoder: any Encoder) throws {
    if !tells { throw Refusal(number: 1) }
    var container = encoder.singleValueContainer()
    try container.encode(tells)
  }

  init(from decoder: any Decoder) throws { tells = try decoder.singleValueContainer().decode(Bool.self) }

  init(tells: Bool) { self.tells = tells }
}

/// A file that says that a function has begun.
struct Sign: ~Copyable {
  let path: String

  init() { path = "/tmp/pool-sign-\(getpid())-\(UInt64.random(in: 0 ... .max))" }

  deinit { unlink(path) }

  /// Waits for it.
  func appears(within limit: Duration = .seconds(20)) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while access(path, F_OK) != 0 {
      if ContinuousClock.now > end { return false }
      try await Task.sleep(for: .milliseconds(2))
    }
    return true
  }
}
