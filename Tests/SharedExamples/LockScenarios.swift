import Glibc
import Multiprocessing

enum LockFunctions {
  static let count = RemoteFunction("count") { (counter: SharedValue<Int>, times: Int) in
    for _ in 0..<times { counter.withLock { $0 += 1 } }
  }
  static let countByHand = RemoteFunction("count_by_hand") {
    (counter: SharedValue<Int>, lock: SharedLock, times: Int) in
    for _ in 0..<times { lock.withLock { counter.value += 1 } }
  }
  static let fillSquares = RemoteFunction("fill_squares") { (squares: SharedArray<Int>) in
    squares.withLock { elements in
      for index in elements.indices { elements[index] = index * index }
    }
  }
  static let reachBeyond = RemoteFunction("reach_beyond") { (squares: SharedArray<Int>) in
    squares[squares.count] = 1
  }
  /// Takes the lock and never gives it back.
  static let hold = RemoteFunction("hold") { (lock: SharedLock, told: PipeSender<Int>) in
    lock.lock()
    try told.send(1)
    while getpid() > 0 {}
  }
  /// Takes and gives back the lock for ever.
  static let hammer = RemoteFunction("hammer") { (pair: SharedValue<Pair>, told: PipeSender<Int>) in
    try told.send(1)
    while getpid() > 0 {
      pair.withLock {
        $0.first += 1
        $0.second += 1
      }
    }
  }

  struct Pair: BitwiseCopyable, Sendable, Equatable {
    var first = 0
    var second = 0
  }

  static let all: [any RegisteredFunction] = [count, countByHand, fillSquares, reachBeyond, hold, hammer]
}

extension Scenario {
  static let locks: [String: Scenario] = [
    "counter": Scenario { check in
      let counter = try SharedValue(0)
      let children = try (0..<2).map { _ in try ChildProcess(LockFunctions.count, counter, 1_000_000) }
      for child in children {
        check(try child.join() == .exited(0), "\(child.name) ended with \(String(describing: child.end))")
      }
      check(counter.value == 2_000_000, "the counter shows \(counter.value)")
    },
    "counter_with_a_lock_of_its_own": Scenario { check in
      let counter = try SharedValue(0)
      let lock = try SharedLock()
      let children = try (0..<3).map { _ in try ChildProcess(LockFunctions.countByHand, counter, lock, 50_000) }
      for child in children { check(try child.join() == .exited(0), "\(String(describing: child.end))") }
      check(counter.value == 150_000, "the counter shows \(counter.value)")
    },
    "array": Scenario { check in
      let squares = try SharedArray(repeating: 0, count: 1000)
      try ChildProcess(LockFunctions.fillSquares, squares).join()
      check(squares.elements == (0..<1000).map { $0 * $0 }, "\(squares.elements.prefix(10))")
      let end = try ChildProcess(LockFunctions.reachBeyond, squares).join()
      guard case .signal = end else { return check.fail("an index outside ended with \(end)") }
      check(squares.count == 1000 && squares[999] == 999 * 999, "the array was hurt")
    },
    "lock_holder_killed": Scenario { check in
      let lock = try SharedLock()
      for _ in 0..<20 {
        let (told, sender) = try Pipe.oneWay(of: Int.self)
        let holder = try ChildProcess(LockFunctions.hold, lock, sender)
        check(try told.receive() == 1, "the holder has not got the lock")
        check(lock.tryLock() == nil, "the lock is free though it is held")
        check(lock.lock(timeout: .milliseconds(5)) == nil, "the lock is free though it is held")
        holder.kill()
        let grant = lock.lock(timeout: .seconds(5))
        check(grant?.previousHolderDied == true, "\(String(describing: grant))")
        lock.unlock()
        lock.withLock { grant in check(!grant.previousHolderDied, "the death was told twice") }
        check(try holder.join() == .signal(SIGKILL), "\(String(describing: holder.end))")
      }
    },
    "lock_users_killed": Scenario { check in
      let pair = try SharedValue(LockFunctions.Pair())
      for round in 0..<40 {
        let (told, sender) = try Pipe.oneWay(of: Int.self)
        let users = try (0..<3).map { _ in try ChildProcess(LockFunctions.hammer, pair, sender) }
        for _ in users { _ = try told.receive() }
        let before = pair.value.first
        usleep(UInt32(round * 37))
        for user in users { user.kill() }
        let now = pair.lock.withLock(timeout: .seconds(5)) { _ in pair.value }
        check(now != nil, "the lock is closed for ever")
        check(now.map { $0.first - $0.second < 2 && $0.first >= before } ?? false, "\(String(describing: now))")
        for user in users { try user.join() }
        // What was killed while it put the value back may have put half of it back.
        pair.value = LockFunctions.Pair(first: pair.value.first, second: pair.value.first)
      }
    },
  ]
}
