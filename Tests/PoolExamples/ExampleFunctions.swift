import Glibc
import Multiprocessing

/// What the example workers can do.
enum ExampleFunctions {
  static let all: [WorkerFunction] = [
    WorkerFunction("echo") { call in WorkerReturn(call.argument, meta: call.header) },
    WorkerFunction("nothing") { _ in WorkerReturn([]) },
    WorkerFunction("descriptors") { _ in WorkerReturn(Array("\(openDescriptors())".utf8)) },
    WorkerFunction("fail") { _ in throw WorkerFailure(Array("as chosen".utf8)) },
    WorkerFunction("fail_otherwise") { _ in throw SomethingElse() },
    WorkerFunction("pid") { _ in WorkerReturn(Array("\(getpid())".utf8)) },
    WorkerFunction("trap") { call in
      print("about to trap")
      let empty = call.header.dropFirst(call.header.count)
      return WorkerReturn([empty[empty.startIndex + 7]])
    },
    WorkerFunction("fatal_error") { _ in fatalError("by intent") },
    WorkerFunction("segfault") { _ in
      UnsafeMutablePointer<Int>(bitPattern: 0x10)?.pointee = 1
      return WorkerReturn([])
    },
    WorkerFunction("abort") { _ in abort() },
    WorkerFunction("overflow_stack") { call in WorkerReturn([UInt8(truncatingIfNeeded: deeper(call.header.count))]) },
    WorkerFunction("exit_3") { _ in exit(3) },
    WorkerFunction("spin") { call in
      // Deaf to everything but SIGKILL.
      call.report(progress: [1])
      while getpid() > 0 {}
      return WorkerReturn([])
    },
    WorkerFunction("spin_politely") { call in
      call.report(progress: [1])
      while !call.isCancelled {}
      return WorkerReturn(Array("stopped".utf8))
    },
    WorkerFunction("sleep") { call in
      call.report(progress: [1])
      try await Task.sleep(for: .seconds(60))
      return WorkerReturn([])
    },
    WorkerFunction("nap") { _ in
      try await Task.sleep(for: .milliseconds(20))
      return WorkerReturn(Array("rested".utf8))
    },
    WorkerFunction("child_tasks") { _ in
      let sum = await withTaskGroup(of: Int.self) { group in
        for number in 1...100 { group.addTask { number } }
        return await group.reduce(0, +)
      }
      return WorkerReturn(Array("\(sum)".utf8))
    },
    WorkerFunction("leak_slowly") { _ in
      var kept: [[UInt8]] = []
      while true {
        kept.append([UInt8](repeating: 1, count: 1 << 20))
        usleep(500)
        if kept.count > 4096 { return WorkerReturn([]) }
      }
    },
    WorkerFunction("leak_at_once") { _ in
      let all = [UInt8](repeating: 1, count: 4 << 30)
      return WorkerReturn([all[all.count / 2]])
    },
    WorkerFunction("take_memory") { call in
      let taken = [UInt8](repeating: 1, count: Int(call.header[0]) << 20)
      return WorkerReturn([taken[taken.count / 2]])
    },
    WorkerFunction("burn") { _ in
      let start = clock()
      while clock() - start < 50_000 {}
      return WorkerReturn([])
    },
    WorkerFunction("print") { call in
      print("printed:", String(decoding: call.header, as: UTF8.self))
      call.log("logged")
      print("unfinished line", terminator: "")
      return WorkerReturn([])
    },
    WorkerFunction("print_much") { _ in
      for number in 0..<20_000 { print("line \(number) of twenty thousand, to fill more than one pipe") }
      return WorkerReturn([])
    },
    WorkerFunction("progress") { call in
      for step in UInt8(0)...200 { call.report(progress: [step]) }
      return WorkerReturn([])
    },
    WorkerFunction("answer_at_length") { call in
      // As many bytes as it is told, after a report.
      let count = Int(String(decoding: call.header, as: UTF8.self)) ?? 0
      call.report(progress: call.header)
      return WorkerReturn([UInt8](repeating: UInt8(truncatingIfNeeded: count), count: count))
    },
    WorkerFunction("note_and_close_sockets") { call in
      // The header is a file, to which the argument is added.
      let notes = open(String(decoding: call.header, as: UTF8.self), O_WRONLY | O_APPEND)
      let note = try call.argument.readAll()
      guard notes >= 0, write(notes, note, note.count) == note.count else { throw SomethingElse() }
      close(notes)
      forEachDescriptor { if $0 > 2, $1.hasPrefix("socket:") { close($0) } }
      return WorkerReturn(note)
    },
    WorkerFunction("fill_bells") { _ in
      forEachDescriptor { descriptor, name in
        var most = UInt64.max - 1
        if name == "anon_inode:[eventfd]" { _ = write(descriptor, &most, 8) }
      }
      return WorkerReturn([])
    },
    WorkerFunction("reverse") { call in
      WorkerReturn(.bytes(try call.argument.readAll().reversed()))
    },
    WorkerFunction("look") { call in
      // The byte that the argument is made of, if it is one.
      guard let byte = try call.argument.withBytes({ $0.onlyByte }) else { throw SomethingElse() }
      return WorkerReturn([byte])
    },
    WorkerFunction("fill") { call in
      WorkerReturn([UInt8](repeating: call.header[0], count: Int(call.header[1]) << 20))
    },
    WorkerFunction("fill_in_place") { call in
      let payload = try Payload(byteCount: Int(call.header[1]) << 20) { buffer in
        _ = buffer.initializeMemory(as: UInt8.self, repeating: call.header[0])
      }
      return WorkerReturn(payload)
    },
    WorkerFunction("leave_child") { call in
      // A child of the worker, and one that cut every tie with it, as daemons do.
      let kept = try ShellCommand.start("exec sleep 1000")
      let daemon = try ShellCommand.start("setsid sleep 1000 & echo $! >&3; wait", tell: true)
      call.report(progress: Array("\(kept.pid) \(daemon.pid) \(daemon.told)".utf8))
      while getpid() > 0 {}
      return WorkerReturn([])
    },
    WorkerFunction("children_time") { _ in
      _ = try ShellCommand.start("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done").wait()
      return WorkerReturn([])
    },
  ]

  struct SomethingElse: Error, CustomStringConvertible {
    var description: String { "something else" }
  }

  /// Calls `body` with each open descriptor and what it is open on.
  private static func forEachDescriptor(_ body: (Int32, String) -> Void) {
    for descriptor in Int32(0)..<64 {
      var link = [CChar](repeating: 0, count: 128)
      let count = readlink("/proc/self/fd/\(descriptor)", &link, link.count)
      if count > 0 { body(descriptor, String(decoding: link[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)) }
    }
  }

  @inline(never)
  private static func deeper(_ depth: Int) -> Int {
    depth < 0 ? 0 : deeper(depth + 1) + depth % 3
  }
}

/// A shell started by posix_spawn(3), for what a handler may start.
struct ShellCommand {
  let pid: pid_t
  /// The first line it wrote to descriptor 3.
  var told = ""

  static func start(_ script: String, tell: Bool = false) throws -> ShellCommand {
    var ends: [Int32] = [-1, -1]
    if tell && pipe(&ends) != 0 { throw ExampleFunctions.SomethingElse() }
    defer { for end in ends where end >= 0 { close(end) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if tell { posix_spawn_file_actions_adddup2(&actions, ends[1], 3) }
    let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sh"), strdup("-c"), strdup(script), nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, "/bin/sh", &actions, nil, arguments, environ) == 0 else {
      throw ExampleFunctions.SomethingElse()
    }
    var command = ShellCommand(pid: pid)
    if tell {
      var line = [UInt8](repeating: 0, count: 32)
      let count = read(ends[0], &line, line.count)
      command.told = String(decoding: line.prefix(max(0, count)).filter { $0 != 10 }, as: UTF8.self)
    }
    return command
  }

  func wait() -> Int32 {
    var status: Int32 = 0
    return waitpid(pid, &status, 0) == pid ? status : -1
  }
}
