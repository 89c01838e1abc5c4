import CLinux
import EventLoop
import Glibc
import Synchronization

/// A process that runs one registered function: Python's `Process`.
///
/// ```swift
/// static let count = RemoteFunction("count") { (counter: SharedValue<Int>) in
///   for _ in 0..<1_000_000 { counter.withLock { $0 += 1 } }
/// }
///
/// let counter = try SharedValue(0)
/// let child = try ChildProcess(count, counter, name: "counter")
/// let end = try await child.join()  // .exited(0)
/// ```
///
/// It runs at once, in a process of its own forked by the program's ``Launcher``, and writes to the program's standard output
/// and error; its standard input is empty. It ends when its function returns, throws (exit status 1, the error on standard
/// error) or calls `exit`, or by a signal; and with the program, in whatever way that ends, as a daemonic process of Python
/// does: `join()` it to see it finish. Nothing is left of it then: no zombie, and nothing that it started itself.
///
/// Letting go of a `ChildProcess` does not end the process.
public final class ChildProcess: Sendable {
  public let pid: Int32
  public let name: String
  private let pidfd: SharedFile
  /// Where the launcher tells of its end.
  private let status: SharedFile
  private let life: Mutex<Life>

  private struct Life {
    let socket: FrameSocket
    var end: ProcessEnd?
  }

  /// A fork takes a millisecond; a launcher that says nothing for so long is stuck.
  private static let longestBirth = Duration.seconds(10)

  // MARK: - Start

  /// Starts a process.
  ///
  /// - Parameters:
  ///   - function: one of the program's registered functions. What it returns is dropped: give it a ``Pipe`` or a
  ///     ``SharedQueue`` for results.
  ///   - name: the function's, if not given; `ps` shows its first 15 bytes.
  public convenience init<Input, Output>(
    _ function: RemoteFunction<Input, Output>, _ input: Input, name: String? = nil
  ) throws(ChildProcessError) {
    let argument: EncodedValue
    do throws(ValueCodingError) {
      argument = try ValueCodec.encodeWithFiles(input)
    } catch {
      throw .argument(error)
    }
    try self.init(function.name, argument, name: name ?? function.name)
  }

  /// Starts a process with a function that takes nothing.
  public convenience init<Output>(
    _ function: RemoteFunction<NoValue, Output>, name: String? = nil
  ) throws(ChildProcessError) {
    try self.init(function, NoValue(), name: name)
  }

  /// Starts a process with a function of several arguments.
  public convenience init<each Argument, Output>(
    _ function: RemoteFunction<Arguments<repeat each Argument>, Output>, _ arguments: repeat each Argument,
    name: String? = nil
  ) throws(ChildProcessError) {
    try self.init(function, Arguments(repeat each arguments), name: name)
  }

  private init(_ function: String, _ argument: EncodedValue, name: String) throws(ChildProcessError) {
    let launcher = try Self.launcher()
    guard let index = launcher.program.index(of: function) else { throw .notRegistered(function) }
    let order = ChildOrder(name: name, function: index, argument: .bytes(argument.bytes), files: argument.files)
    // So that what was printed before comes before what the process prints.
    linux_flush_output()
    do throws(MultiprocessingError) {
      let ends = try DescriptorPair.sockets()
      // Given away: if the launcher dies, the end is seen at once.
      try launcher.startChild(order, status: ends.second)
      status = SharedFile(ends.first)
      let socket = FrameSocket(status)
      (pid, pidfd) = try Self.awaitBirth(socket)
      life = Mutex(Life(socket: socket))
      self.name = name
    } catch {
      throw .system(error)
    }
  }

  private static func launcher() throws(ChildProcessError) -> Launcher {
    do throws(MultiprocessingError) {
      return try Launcher.current()
    } catch {
      throw .system(error)
    }
  }

  private static func awaitBirth(_ socket: FrameSocket) throws(MultiprocessingError) -> (pid_t, SharedFile) {
    let deadline = longestBirth.fromNow
    while true {
      switch socket.receive(waiting: false, ChildFrame.take) {
      case .message(.born(let pid, let pidfd)): return (pid, pidfd)
      case .message(.failed(let code)): throw MultiprocessingError("forking a child process", code: code)
      case .message(.ended), .garbled: throw MultiprocessingError("the launcher makes no sense", code: 0)
      case .closed:
        throw MultiprocessingError("the launcher has ended, or has no descriptor left for another process", code: 0)
      case .empty:
        var watched = pollfd(fd: socket.descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&watched, 1, Int32(longestBirth / .milliseconds(1))) == 0, MonotonicClock.now > deadline {
          throw MultiprocessingError("starting a child process", code: ETIMEDOUT)
        }
      }
    }
  }

  // MARK: - End

  /// How it ended; `nil`: it still runs.
  public var end: ProcessEnd? {
    life.withLock { life in
      if life.end != nil { return life.end }
      switch life.socket.receive(waiting: false, ChildFrame.take) {
      case .message(.ended(let status)): life.end = ProcessEnd(status: status)
      case .empty: break
      case .closed, .garbled, .message:
        // The launcher died, and the kernel ends its children with it; only they may not have noticed yet.
        kill()
        life.end = .signal(SIGKILL)
      }
      return life.end
    }
  }

  public var isAlive: Bool { end == nil }

  /// As in Python: `nil` while it runs; then the exit status, or the signal that ended it with a minus sign.
  public var exitCode: Int32? { end?.exitCode }

  /// Waits until it has ended.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  @discardableResult
  public func join() throws(ChannelError) -> ProcessEnd {
    while true {
      if let end { return end }
      _ = try Readiness.wait(for: POLLIN, of: status, until: nil)
    }
  }

  /// Waits until it has ended, but no longer than `timeout`; `nil`: it still runs.
  @available(*, noasync, message: "it would block the cooperative pool: use the asynchronous one, with await")
  @discardableResult
  public func join(timeout: Duration) throws(ChannelError) -> ProcessEnd? {
    let deadline = timeout.fromNow
    while true {
      if let end { return end }
      if try !Readiness.wait(for: POLLIN, of: status, until: deadline) { return nil }
    }
  }

  /// Suspends until it has ended.
  ///
  /// - Throws: `CancellationError` when the task is cancelled; the process runs on.
  @discardableResult
  public func join() async throws -> ProcessEnd {
    while true {
      if let end { return end }
      _ = try await Readiness.wait(for: POLLIN, of: status, until: nil)
    }
  }

  /// Suspends until it has ended, but no longer than `timeout`; `nil`: it still runs.
  @discardableResult
  public func join(timeout: Duration) async throws -> ProcessEnd? {
    let deadline = timeout.fromNow
    while true {
      if let end { return end }
      if try await !Readiness.wait(for: POLLIN, of: status, until: deadline) { return nil }
    }
  }

  // MARK: - Signals

  /// Asks it to end, by SIGTERM: it does, in whatever it is doing, unless its function caught that signal.
  public func terminate() { signal(SIGTERM) }

  /// Ends it by SIGKILL.
  public func kill() { signal(SIGKILL) }

  /// Sends it a signal; nothing happens if it has ended.
  public func signal(_ number: Int32) {
    // ESRCH: it has ended. A pidfd never means a later process of the same number.
    _ = linux_pidfd_send_signal(pidfd.descriptor, number)
  }
}
