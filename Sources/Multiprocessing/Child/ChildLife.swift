// The life of a child process: one function, from its birth to its end.

import CLinux
import Glibc
import Synchronization

/// Runs in a child process only.
enum ChildLife {
  /// - Parameter parent: the launcher's pid, noted before the fork.
  static func run(_ order: ChildOrder, parent: pid_t, program: WorkerProgram) -> Never {
    var kept = order.files.map(\.descriptor)
    if case .file(let file, _) = order.argument { kept.append(file.descriptor) }
    // Unlike a worker it takes the signals of a program: SIGTERM ends it, in whatever loop.
    ChildBirth.begin(name: order.name, parent: parent, deathSignal: SIGKILL, keeping: kept)
    // Its own session, hence its own group: the launcher ends what it leaves behind by it.
    if setsid() < 0 { ChildBirth.fail("setsid") }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    if nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 { ChildBirth.fail("redirecting standard input") }
    close(nothing)
    linux_buffer_output_by_line()
    guard program.functions.indices.contains(order.function) else {
      Diagnostics.write("\(order.name): there is no function number \(order.function)")
      _exit(EX_PROTOCOL)
    }
    // A function may start tasks, and with them threads.
    let status = FreshThread.run { perform(program.functions[order.function], order) }
    fflush(nil)
    _exit(status)
  }

  private static func perform(_ function: WorkerFunction, _ order: ChildOrder) -> Int32 {
    let executor: WorkerExecutor
    do {
      executor = try WorkerExecutor()
    } catch {
      ChildBirth.fail(error.operation, code: error.code)
    }
    let call = WorkerCall(
      number: 0, header: [CallForm.single.rawValue], argument: order.argument, files: order.files,
      deadlineNanoseconds: nil, progress: ProgressReporter { _, _ in })
    let status = StatusBox()
    Task(executorPreference: executor) {
      do {
        _ = try await function.run(call)
        status.fill(EXIT_SUCCESS)
      } catch {
        let reason = (error as? WorkerFailure).map { "\(CallFailure.error($0.bytes))" } ?? "\(error)"
        Diagnostics.write("\(order.name): \(reason)")
        status.fill(EXIT_FAILURE)
      }
    }
    while true {
      executor.runJobs(until: { status.content != nil })
      if let status = status.content { return status }
      if executor.prepareToSleep() {
        var watched = pollfd(fd: executor.wakeDescriptor, events: Int16(POLLIN), revents: 0)
        if poll(&watched, 1, -1) < 0 && errno != EINTR { ChildBirth.fail("poll") }
        executor.clearWake()
      }
    }
  }

  /// Where the function's task leaves the exit status.
  private final class StatusBox: Sendable {
    private let status = Mutex<Int32?>(nil)
    func fill(_ status: Int32) { self.status.withLock { $0 = status } }
    var content: Int32? { status.withLock { $0 } }
  }
}
