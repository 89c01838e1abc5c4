import CLinux
import EventLoop
import ForkSafety
import Glibc
import Synchronization

/// Starts processes for a program that has threads and so may not fork: a small process, itself forked before there were any.
///
/// ```
/// program ──fork──▶ launcher ──fork──▶ nursery of a pool ──fork──▶ fork server ──fork──▶ worker, worker, …
///    ▲  ╰── channel ───╯ ╰──fork──▶ child process
/// ```
///
/// ``MultiprocessingProgram`` starts it. A program with a `main` of its own calls ``start(_:preload:)`` first of all:
///
/// ```swift
/// static func main() throws {
///   try Launcher.start([square])
///   let pool = try ProcessPool(size: 2)
///   print(try pool.apply(square, 5))
///   pool.join()
/// }
/// ```
///
/// The thread that calls ``start(_:preload:)`` must live as long as the process: the kernel ties the launcher to it, and
/// everything else to the launcher (PR_SET_PDEATHSIG(2const), "parent thread"). The main thread does.
public final class Launcher: Sendable {
  let program: WorkerProgram
  private let channel: Mutex<FrameSocket>

  private static let started = Mutex<Launcher?>(nil)
  /// A fork takes a millisecond; a launcher that says nothing for so long is stuck.
  private static let longestAnswer = Duration.seconds(10)

  private init(program: WorkerProgram, channel: consuming OwnedDescriptor) {
    self.program = program
    self.channel = Mutex(FrameSocket(channel))
  }

  /// Starts this process's launcher.
  ///
  /// - Parameters:
  ///   - functions: what other processes can be asked to run; their names must differ.
  ///   - preload: see ``MultiprocessingProgram/preload()``.
  /// - Throws: if the process has a second thread already (a `Task`, Dispatch or a library started one), or a launcher, or
  ///   cannot fork.
  public static func start(
    _ functions: [any RegisteredFunction], preload: @escaping @Sendable () throws -> Void = {}
  ) throws(MultiprocessingError) {
    if let fault = SingleThreaded.fault(beforeForkOf: "the launcher") { throw MultiprocessingError(fault, code: 0) }
    if started.withLock({ $0 != nil }) { throw MultiprocessingError("the launcher is started twice", code: 0) }
    let program = WorkerProgram(
      functions.map(\.workerFunction) + [DictionaryOwner.function.workerFunction], preload: preload)
    let link = try DescriptorPair.sockets()
    let mine = getpid()
    // What is buffered would be printed by the child once more.
    fflush(nil)
    let pid = fork()
    if pid == 0 { LauncherProcess.run(channel: link.second, parent: mine, program: program) }
    if pid < 0 { throw MultiprocessingError("fork of the launcher") }
    let launcher = Launcher(program: program, channel: link.first)
    started.withLock { $0 = launcher }
  }

  /// This process's.
  ///
  /// - Throws: it was not started; or this is a worker or a child process, which has none.
  static func current() throws(MultiprocessingError) -> Launcher {
    if let launcher = started.withLock({ $0 }) { return launcher }
    throw MultiprocessingError(
      "no launcher was started: begin the program as a MultiprocessingProgram, or with Launcher.start, while it has one "
        + "thread (a worker has no launcher, and starts no processes of its own)", code: 0)
  }

  /// Has a fork server started for a ``WorkerPool`` of this program, whose functions it runs.
  public static func startForkServer() throws(MultiprocessingError) -> ForkServerHandle {
    try current().startForkServer()
  }

  /// Has a nursery forked, for one pool.
  func startForkServer() throws(MultiprocessingError) -> ForkServerHandle {
    switch try ask(LaunchRequest.nurseryFrame) {
    case .nursery(let pid, let channel, let pidfd, let tickets, let bell):
      return ForkServerHandle(
        channel: channel, pidfd: pidfd, tickets: try TicketBoard(tickets, bell: bell), nurseryPID: pid,
        program: program)
    case .failed(let code): throw MultiprocessingError("forking a pool's nursery", code: code)
    }
  }

  /// Asks for a child process; what becomes of it is told on the status socket.
  func startChild(_ order: ChildOrder, status: consuming OwnedDescriptor) throws(MultiprocessingError) {
    let payload = try PayloadPart(order.argument)
    let descriptors = [status.number] + payload.descriptors + order.files.map(\.passedOn)
    let frame = LaunchRequest.child(order, payload)
    let deadline = Self.longestAnswer.fromNow
    let code = channel.withLock { channel in
      while true {
        let code = channel.send(frame, descriptors: descriptors, waiting: false)
        if code != EAGAIN { return code }
        // It has more orders before it than fit: it forks one in a millisecond.
        let now = MonotonicClock.now
        if now >= deadline { return ETIMEDOUT }
        var watched = pollfd(fd: channel.descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&watched, 1, Int32(clamping: (deadline - now) / 1_000_000 + 1))
      }
    }
    if code == EPIPE || code == ECONNRESET { throw MultiprocessingError("the launcher has ended", code: 0) }
    if code != 0 { throw MultiprocessingError("asking the launcher", code: code) }
  }

  /// Asks and waits for the answer: one at a time, a millisecond or so each.
  private func ask(_ request: [UInt8]) throws(MultiprocessingError) -> LaunchAnswer {
    let answer: Result<LaunchAnswer, MultiprocessingError> = channel.withLock { channel in
      let code = channel.send(request, waiting: true)
      if code != 0 { return .failure(MultiprocessingError("asking the launcher", code: code)) }
      let end = MonotonicClock.now + Self.longestAnswer.nanosecondsClamped
      while true {
        switch channel.receive(waiting: false, LaunchAnswer.take) {
        case .message(let answer): return .success(answer)
        case .closed, .garbled: return .failure(MultiprocessingError("the launcher has ended", code: 0))
        case .empty: break
        }
        let now = MonotonicClock.now
        if now >= end { return .failure(MultiprocessingError("asking the launcher", code: ETIMEDOUT)) }
        var watched = pollfd(fd: channel.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&watched, 1, Int32(clamping: (end - now) / 1_000_000 + 1))
      }
    }
    return try answer.get()
  }
}
