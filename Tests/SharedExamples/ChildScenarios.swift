import Glibc
import Multiprocessing

enum ChildFunctions {
  static let nothing = RemoteFunction("nothing") {}
  static let spin = RemoteFunction("spin") { while getpid() > 0 {} }
  static let leave = RemoteFunction("leave") { (status: Int32) in exit(status) }
  static let fail = RemoteFunction("fail") { () throws -> Void in throw Mishap() }
  static let trap = RemoteFunction("trap") { (number: Int) in [1, 2, 3][number] }
  static let nap = RemoteFunction("nap") { () async throws -> Void in try await Task.sleep(for: .milliseconds(20)) }
  static let say = RemoteFunction("say") { (text: String) in print(text, terminator: "") }
  static let addUp = RemoteFunction("add_up") { (numbers: [Int], factor: Int, sum: PipeSender<Int>) in
    try sum.send(numbers.reduce(0, +) * factor)
  }
  static let whoAmI = RemoteFunction("who_am_i") { (answer: PipeSender<[String]>) in
    try answer.send([nameOfThisProcess(), "\(getpid())", "\(Leaks.openDescriptors().count)", "\(getsid(0))"])
  }
  static let startAnother = RemoteFunction("start_another") { (answer: PipeSender<String>) in
    do {
      _ = try ChildProcess(nothing)
      try answer.send("it was started")
    } catch {
      try answer.send("\(error)")
    }
  }
  /// Leaves two processes of another program behind, one of them in a session of its own.
  static let leaveOthers = RemoteFunction("leave_others") { (answer: PipeSender<[Int32]>) in
    try answer.send([spawn(["/bin/sleep", "1000"]), spawn(["/usr/bin/setsid", "/bin/sleep", "1000"])])
  }
  static let unknown = RemoteFunction("unknown") {}

  struct Mishap: Error, CustomStringConvertible {
    var description: String { "a mishap by intent" }
  }

  private static func spawn(_ command: [String]) -> Int32 {
    var pid: pid_t = 0
    let arguments = command.map { strdup($0) }
    defer { for argument in arguments { free(argument) } }
    posix_spawn(&pid, command[0], nil, nil, arguments + [nil], nil)
    return pid
  }

  private static func nameOfThisProcess() -> String {
    guard let file = fopen("/proc/self/comm", "r") else { return "" }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 64)
    _ = fgets(&line, Int32(line.count), file)
    return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  static let all: [any RegisteredFunction] = [
    nothing, spin, leave, fail, trap, nap, say, addUp, whoAmI, startAnother, leaveOthers,
  ]
}

extension Scenario {
  static let children: [String: Scenario] = [
    "child_arguments": Scenario { check in
      let (receiver, sender) = try Pipe.oneWay(of: Int.self)
      let child = try ChildProcess(ChildFunctions.addUp, Array(1...100), 2, sender, name: "adder")
      check(try receiver.receive() == 10100, "a wrong sum")
      check(child.name == "adder" && child.pid != getpid() && child.pid > 1, "\(child.name) \(child.pid)")
      check(try child.join() == .exited(0) && child.exitCode == 0 && !child.isAlive, "\(String(describing: child.end))")
    },
    "child_ends": Scenario { check in
      let ends: [(ChildProcess, ProcessEnd, Int32)] = [
        (try ChildProcess(ChildFunctions.nothing), .exited(0), 0),
        (try ChildProcess(ChildFunctions.nap), .exited(0), 0),
        (try ChildProcess(ChildFunctions.leave, 7), .exited(7), 7),
        (try ChildProcess(ChildFunctions.fail), .exited(1), 1),
      ]
      for (child, end, code) in ends {
        check(try child.join() == end, "\(child.name) ended with \(String(describing: child.end))")
        check(child.exitCode == code, "\(child.name) has exit code \(String(describing: child.exitCode))")
      }
      guard case .signal(let signal) = try ChildProcess(ChildFunctions.trap, 3).join() else {
        return check.fail("a trap is not told as a signal")
      }
      check(signal == SIGILL || signal == SIGTRAP, "a trap is told as signal \(signal)")
    },
    "endless_loop": Scenario { check in
      let child = try ChildProcess(ChildFunctions.spin)
      check(child.isAlive && child.end == nil && child.exitCode == nil, "it does not run")
      check(try child.join(timeout: .milliseconds(50)) == nil, "it ended by itself")
      child.terminate()
      check(try child.join(timeout: .seconds(5)) == .signal(SIGTERM), "\(String(describing: child.end))")
      check(child.exitCode == -SIGTERM && !child.isAlive, "\(String(describing: child.exitCode))")
      // After its end: nothing happens.
      child.terminate()
      child.kill()
      let other = try ChildProcess(ChildFunctions.spin)
      other.kill()
      check(try other.join() == .signal(SIGKILL), "\(String(describing: other.end))")
    },
    "children_at_once": Scenario(async: { check in
      let children = try (0..<20).map { _ in try ChildProcess(ChildFunctions.nap) }
      let ends = try await withThrowingTaskGroup(of: ProcessEnd.self) { group in
        for child in children { group.addTask { try await child.join() } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      check(ends == Array(repeating: .exited(0), count: 20), "\(ends)")
      check(Set(children.map(\.pid)).count == 20, "pids are not unique")
    }),
    "child_joined_by_tasks": Scenario(async: { check in
      let child = try ChildProcess(ChildFunctions.spin)
      check(try await child.join(timeout: .milliseconds(20)) == nil, "it ended by itself")
      let waiting = Task { try await child.join() }
      let others = (0..<5).map { _ in Task { try await child.join() } }
      waiting.cancel()
      do {
        _ = try await waiting.value
        check.fail("a cancelled join returned")
      } catch { check(error is CancellationError, "\(error)") }
      child.kill()
      for other in others { check(try await other.value == .signal(SIGKILL), "\(String(describing: child.end))") }
    }),
    "child_surroundings": Scenario { check in
      let (receiver, sender) = try Pipe.oneWay(of: [String].self)
      let child = try ChildProcess(ChildFunctions.whoAmI, sender, name: "a-name-of-many-letters")
      sender.close()
      let answer = try receiver.receive() ?? []
      guard answer.count == 4 else { return check.fail("\(answer)") }
      check(answer[0] == "a-name-of-many-", "\(answer)")
      check(answer[1] == "\(child.pid)" && answer[3] == answer[1], "\(answer)")
      // Standard input, output and error, its end of the pipe, its executor's eventfd; and the folder.
      check(answer[2] == "6", "a child process holds \(answer[2]) descriptors")
      check(try receiver.receive() == nil, "the pipe did not end with the child process")
      try child.join()
    },
    "child_output": Scenario { check in
      print("before")
      try ChildProcess(ChildFunctions.say, "from the child\nand an unfinished line").join()
      print("\nafter")
    },
    "child_leaves_others": Scenario { check in
      let (receiver, sender) = try Pipe.oneWay(of: [Int32].self)
      let child = try ChildProcess(ChildFunctions.leaveOthers, sender)
      let others = try receiver.receive() ?? []
      check(others.count == 2 && others.allSatisfy { $0 > 1 }, "\(others)")
      try child.join()
      let end = ContinuousClock.now + .seconds(5)
      for other in others {
        while kill(other, 0) == 0 && ContinuousClock.now < end { usleep(1000) }
        check(kill(other, 0) != 0, "what the child process started lives on")
      }
    },
    "child_misuse": Scenario { check in
      check.refuses("\"unknown\" is not registered") { _ = try ChildProcess(ChildFunctions.unknown) }
      check.refuses("cannot be sent") { _ = try ChildProcess(PipeFunctions.takeStubborn, Stubborn()) }
      let (receiver, sender) = try Pipe.oneWay(of: String.self)
      let child = try ChildProcess(ChildFunctions.startAnother, sender)
      let answer = try receiver.receive() ?? ""
      check(answer.contains("no launcher"), answer)
      try child.join()
      check.refuses("threads") { try Launcher.start([]) }
    },
    // Prints what is below it, and waits to be killed.
    "tree": Scenario { check in
      let queue = try SharedQueue<Int>(capacity: 1)
      let dictionary = try SharedDictionary<String, Int>()
      let children = try [ChildProcess(ChildFunctions.spin), ChildProcess(QueueFunctions.takeAll, queue)]
      print("TREE", dictionary.ownerPID, children.map { "\($0.pid)" }.joined(separator: " "))
      fflush(nil)
      while true { pause() }
    },
  ]
}
