import Glibc
import Multiprocessing

enum DictionaryFunctions {
  static let sell = RemoteFunction("sell") { (stock: SharedDictionary<String, Int>, times: Int) in
    for _ in 0..<times { try stock.update("apples") { $0 = ($0 ?? 0) - 1 } }
  }
  static let sellAsync = RemoteFunction("sell_async") {
    (stock: SharedDictionary<String, Int>, times: Int) async throws -> Void in
    for _ in 0..<times { try await stock.update("apples") { $0 = ($0 ?? 0) - 1 } }
  }
  /// Sets pairs of keys for ever.
  static let busy = RemoteFunction("busy") { (stock: SharedDictionary<String, Int>, told: PipeSender<Int>) in
    try told.send(1)
    for number in 0... {
      try stock.set("busy \(number % 10)", to: number)
      try stock.update("busy") { $0 = number }
    }
  }
  static let copy = RemoteFunction("copy") { (values: SharedDictionary<Int, [UInt8]>) in
    if let bytes = try values.get(1) { try values.set(2, to: bytes) }
  }

  static let all: [any RegisteredFunction] = [sell, sellAsync, busy, copy]
}

extension Scenario {
  static let dictionaries: [String: Scenario] = [
    "dictionary": Scenario { check in
      let stock = try SharedDictionary<String, Int>()
      check(try stock.get("apples") == nil && stock.count() == 0, "it is not empty")
      try stock.set("apples", to: 10_000)
      let sellers = try (0..<3).map { _ in try ChildProcess(DictionaryFunctions.sell, stock, 500) }
      let others = try (0..<2).map { _ in try ChildProcess(DictionaryFunctions.sellAsync, stock, 500) }
      for child in sellers + others { check(try child.join() == .exited(0), "\(String(describing: child.end))") }
      try check(stock.get("apples") == 7_500, "\(String(describing: try stock.get("apples"))) are left")
      try stock.set("pears", to: 1)
      try check(stock.keys().sorted() == ["apples", "pears"] && stock.count() == 2, "\(stock.keys())")
      check(try stock.remove("pears") == 1 && stock.remove("pears") == nil, "removed wrongly")
      try stock.update("apples") { $0 = nil }
      check(try stock.count() == 0, "an update to nil does not remove")
      for number in 0..<5000 { try stock.set("key \(number)", to: number) }
      try check(stock.keys().count == 5000, "\(try stock.count())")
      try stock.removeAll()
      check(try stock.keys().isEmpty, "not removed")
      stock.close()
      check.refuses("closed") { _ = try stock.get("apples") }
    },
    "dictionary_user_killed": Scenario { check in
      let stock = try SharedDictionary<String, Int>()
      try stock.set("apples", to: 1000)
      for round in 0..<10 {
        let (told, sender) = try Pipe.oneWay(of: Int.self)
        let victim = try ChildProcess(DictionaryFunctions.busy, stock, sender)
        let seller = try ChildProcess(DictionaryFunctions.sell, stock, 100)
        _ = try told.receive()
        usleep(UInt32(round * 300))
        victim.kill()
        check(try seller.join(timeout: .seconds(10)) == .exited(0), "\(String(describing: seller.end))")
        try check(stock.get("apples") == 1000 - (round + 1) * 100, "\(String(describing: try stock.get("apples")))")
        try victim.join()
      }
    },
    "dictionary_large_values": Scenario { check in
      let values = try SharedDictionary<Int, [UInt8]>()
      let bytes = Bytes.pattern(64 << 20)
      try values.set(1, to: bytes)
      try ChildProcess(DictionaryFunctions.copy, values).join()
      check(try Bytes.same(values.get(2), bytes), "64 MB changed on their way")
    },
    "dictionary_of_shared_things": Scenario(async: { check in
      let counters = try SharedDictionary<String, SharedValue<Int>>()
      let counter = try SharedValue(5)
      try await counters.set("five", to: counter)
      try await counters.get("five")?.withLock { $0 += 1 }
      check(counter.value == 6, "\(counter.value)")
    }),
    "dictionary_owner_killed": Scenario { check in
      let stock = try SharedDictionary<String, Int>()
      try stock.set("apples", to: 1)
      kill(stock.ownerPID, SIGKILL)
      check.refuses("nobody is left") { while try stock.get("apples") == 1 {} }
    },
  ]
}
