// The life of a worker: one thread that waits for a call on its socket, runs it to its end, answers, and waits again. It ends
// at the socket's end-of-file, with its parent (PR_SET_PDEATHSIG), or by SIGKILL; it never decides to stop by itself.

import CLinux
import EventLoop
import Glibc
import Synchronization

/// Runs in a worker process only.
final class WorkerProcess {
  private let socket: FrameSocket
  private let program: WorkerProgram
  private let executor: WorkerExecutor
  private let progress: ProgressReporter
  private let highWaterMark: Int32
  private let bornDataBytes: UInt64
  private var dataLimitBytes: UInt64?
  private let tickets: TicketPage
  private var spinner: Spinner
  private let answers: AnswerSender
  private var messagesReceived: UInt64 = 0
  private var callBegan: UInt64 = 0
  /// CPU time up to the end of the last call; `nil`: it was not looked at then.
  private var cpuBefore: UInt64?
  private var childrenNanoseconds: UInt64 = 0
  private var lastPeak: UInt64 = 0
  private var peakMoved = true
  private let rooms = WorkerRooms()
  /// In rooms, of what was resident when the call began, and at the end of the last one.
  private var roomBytes = (before: 0, after: 0)
  /// The pool's initializer, until it has succeeded.
  private var initializer: (CallFrame, Payload)?
  /// The number of the call that runs, where the crash reporter reads it; never freed.
  private let currentCall = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)

  private static let shortestChildNanoseconds: UInt64 = 100_000

  /// - Parameters:
  ///   - socket: this worker's end of its private socket pair.
  ///   - output: the writing end of its output pipe; becomes standard output and error.
  ///   - tickets: this worker's page of the pool's ticket board.
  ///   - bell: the board's.
  static func run(
    socket: consuming OwnedDescriptor, output: consuming OwnedDescriptor, tickets: TicketPage, bell: SharedFile,
    parent: pid_t, program: WorkerProgram
  ) -> Never {
    // Everything the fork server opened is kept: a preload may have mapped or opened it for the workers.
    ChildBirth.begin(name: "millrace-worker", parent: parent, deathSignal: SIGKILL, keeping: nil)
    ChildBirth.outliveGroupSignals()
    // Its own session, hence its own group: the fork server ends what a dead worker leaves behind by it.
    if setsid() < 0 { ChildBirth.fail("setsid") }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    if nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 { ChildBirth.fail("redirecting standard input") }
    close(nothing)
    if dup2(output.number, STDOUT_FILENO) < 0 || dup2(output.number, STDERR_FILENO) < 0 {
      ChildBirth.fail("redirecting standard output")
    }
    _ = consume output
    linux_buffer_output_by_line()
    let frames = FrameSocket(socket)
    // A function may start tasks, and with them threads.
    _exit(
      FreshThread.run {
        do {
          try WorkerProcess(frames, tickets, bell, program).serve()
        } catch {
          Diagnostics.write("worker: \(error)")
          return EX_OSERR
        }
      })
  }

  private init(
    _ socket: FrameSocket, _ tickets: TicketPage, _ bell: SharedFile, _ program: WorkerProgram
  ) throws(MultiprocessingError) {
    self.socket = socket
    self.tickets = tickets
    spinner = Spinner(limitNanoseconds: tickets.spin)
    self.program = program
    executor = try WorkerExecutor()
    let answers = AnswerSender(socket, tickets.answers, bell: bell)
    self.answers = answers
    progress = ProgressReporter { call, bytes in answers.sendProgress(WorkerFrame.progress(call, bytes)) }
    // Without it (a hardened /proc) a call's peak is the peak of the worker's life.
    highWaterMark = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
    bornDataBytes = MemoryStatus.ofThisProcess()?.dataBytes ?? 0
    currentCall.initialize(to: 0)
    if linux_install_cancel_handler(executor.wakeDescriptor) != 0 { throw MultiprocessingError("sigaction") }
    if linux_install_crash_reporter(socket.descriptor, WorkerFrame.Kind.crashing.rawValue, currentCall) != 0 {
      throw MultiprocessingError("sigaction")
    }
  }

  private func serve() -> Never {
    while true {
      rooms.leaveIfIdle(until: socket.descriptor)
      _ = spinner.wait { tickets.messages > messagesReceived }
      switch socket.receive(waiting: true, { performAll(in: &$0, &$1) }) {
      case .message, .empty: continue
      case .closed: _exit(0)
      case .garbled:
        Diagnostics.write("worker: a message on its socket makes no sense")
        _exit(EX_PROTOCOL)
      }
    }
  }

  /// Performs the calls of one message; `nil`: it makes no sense.
  private func performAll(in message: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> Void? {
    messagesReceived += 1
    repeat {
      guard let (call, received) = CallFrame.take(from: &message, &descriptors) else { return nil }
      // Rooms would count as the call's memory where it is held against the limit.
      if call.dataLimitBytes != nil { rooms.leave() }
      let loan = RoomLoan(board: nil, page: tickets, direction: .argument, call: call.number)
      let argument = call.room.map { rooms.argument(received, in: $0, lent: loan) } ?? received
      // Without its ticket, the call was given to somebody else.
      if call.number == CallFrame.initializer || tickets.take(call.number, at: call.ticket) {
        perform(call, argument)
      }
    } while message.remaining > 0
    return ()
  }

  private func perform(_ frame: CallFrame, _ argument: Payload) {
    guard program.functions.indices.contains(frame.function) else {
      Diagnostics.write("worker: there is no function number \(frame.function)")
      _exit(EX_PROTOCOL)
    }
    if frame.number == CallFrame.initializer {
      initializer = (frame, argument)
      // What is wrong is said to the next call, unless trying again helps.
      _ = initializerFailure()
      return
    }
    if let failure = initializerFailure() {
      return sendOrLeave(WorkerFrame.unprepared(frame.number, .none, failure))
    }
    currentCall.pointee = frame.number
    limitMemory(frame.dataLimitBytes)
    if frame.measuresUsage { beginMeasuring() }
    progress.begin(frame.number)
    let call = WorkerCall(
      number: frame.number, header: frame.header, argument: argument, files: frame.files,
      deadlineNanoseconds: frame.timeoutNanoseconds.map { MonotonicClock.now &+ $0 }, progress: progress)
    let answer = run(program.functions[frame.function], call)
    progress.end()
    // What was printed must be in the pipe before the answer is in the socket: that is how it belongs to this call.
    fflush(nil)
    send(answer, to: frame.number, frame.measuresUsage ? endMeasuring() : .none)
    if !frame.measuresUsage { cpuBefore = nil }
    currentCall.pointee = 0
  }

  /// Runs the initializer if there is one that has not succeeded yet; what it threw.
  private func initializerFailure() -> [UInt8]? {
    guard let (frame, argument) = initializer else { return nil }
    let call = WorkerCall(
      number: CallFrame.initializer, header: frame.header, argument: argument, files: frame.files,
      deadlineNanoseconds: nil, progress: progress)
    switch run(program.functions[frame.function], call) {
    case .returned:
      initializer = nil
      return nil
    case .threw(let bytes): return Array(bytes.prefix(PoolCall.longestHeader))
    }
  }

  private func run(_ function: WorkerFunction, _ call: WorkerCall) -> Answer {
    switch function.body {
    case .synchronous(let body): Answer(of: { try body(call) })
    case .asynchronous(let body): run(body, call)
    }
  }

  private func run(
    _ body: @escaping @Sendable (WorkerCall) async throws -> WorkerReturn, _ call: WorkerCall
  ) -> Answer {
    let box = AnswerBox()
    let task = Task(executorPreference: executor) {
      do {
        box.fill(.returned(try await body(call)))
      } catch {
        box.fill(Answer(error))
      }
    }
    while true {
      executor.runJobs(until: { box.isFull })
      if let answer = box.content { return answer }
      if call.isCancelled, !task.isCancelled {
        task.cancel()
        continue
      }
      let pause = progress.flush()
      if executor.prepareToSleep() { waitForWake(pause) }
    }
  }

  /// While a function awaits: until a job arrives, a cancel, the time to send progress, or the end of the acceptor.
  private func waitForWake(_ limit: Duration?) {
    var watched = [
      pollfd(fd: executor.wakeDescriptor, events: Int16(POLLIN), revents: 0),
      // What is sent ahead to a busy worker waits: only the end-of-file is looked for, which poll(2) reports unasked.
      pollfd(fd: socket.descriptor, events: 0, revents: 0),
    ]
    let milliseconds = limit.map { Int32(clamping: $0.nanosecondsClamped / 1_000_000 + 1) } ?? -1
    let ready = poll(&watched, 2, milliseconds)
    if ready < 0 && errno != EINTR { ChildBirth.fail("poll") }
    if ready > 0, watched[1].revents & Int16(POLLHUP | POLLERR) != 0 { _exit(0) }
    executor.clearWake()
  }

  private func send(_ answer: Answer, to call: UInt64, _ usage: WorkerUsage) {
    switch answer {
    case .threw(let bytes):
      sendOrLeave(WorkerFrame.threw(call, usage, Array(bytes.prefix(PoolCall.longestHeader))))
    case .returned(let value) where value.meta.count > PoolCall.longestHeader:
      sendOrLeave(WorkerFrame.threw(call, usage, Array("the function's meta bytes are too long".utf8)))
    case .returned(let value):
      do {
        let payload = try rooms.part(
          value.payload, lending: RoomLoan(board: nil, page: tickets, direction: .result, call: call))
        sendOrLeave(
          WorkerFrame.returned(call, usage, meta: value.meta, payload, fileCount: value.files.count),
          descriptors: payload.descriptors + value.files.map(\.passedOn))
      } catch {
        sendOrLeave(WorkerFrame.threw(call, usage, Array("the result could not be sent: \(error)".utf8)))
      }
    }
  }

  private func sendOrLeave(_ bytes: [UInt8], descriptors: [Int32] = []) {
    let code = answers.send(bytes, descriptors: descriptors)
    if code == 0 { return }
    if code != EPIPE && code != ECONNRESET { ChildBirth.fail("sending an answer", code: code) }
    _exit(0)
  }

  private func limitMemory(_ bytes: UInt64?) {
    if bytes == dataLimitBytes { return }
    let ceiling = bytes.map { bornDataBytes.addingReportingOverflow($0) }
    let limit = ceiling.map { $0.overflow ? .max : $0.partialValue } ?? .max
    if linux_limit_data(limit) != 0 { ChildBirth.fail("setrlimit(RLIMIT_DATA)") }
    dataLimitBytes = bytes
  }

  private func beginMeasuring() {
    roomBytes.before = rooms.byteCount
    resetPeakIfMoved()
    let before: UInt64
    if let cpuBefore {
      before = cpuBefore
    } else {
      childrenNanoseconds = WorkerUsage.childrenNanoseconds()
      before = WorkerUsage.ofThisProcess().cpuNanoseconds &+ childrenNanoseconds
      cpuBefore = before
    }
    tickets.cpuBefore = before
    callBegan = MonotonicClock.now
  }

  /// What the call has used. A look costs a microsecond, and a no-op call is to cost ten: a call shorter than it takes to
  /// start a process and wait for it leaves the children's time as it was.
  private func endMeasuring() -> WorkerUsage {
    if MonotonicClock.now &- callBegan >= Self.shortestChildNanoseconds {
      childrenNanoseconds = WorkerUsage.childrenNanoseconds()
    }
    var usage = WorkerUsage.ofThisProcess()
    peakMoved = usage.peakResidentBytes != lastPeak
    lastPeak = usage.peakResidentBytes
    // What was kept from earlier calls is not this call's; none of it is given back before the call ends.
    usage.peakResidentBytes -= min(usage.peakResidentBytes, UInt64(roomBytes.before))
    roomBytes.after = rooms.byteCount
    usage.cpuNanoseconds &+= childrenNanoseconds
    defer { cpuBefore = usage.cpuNanoseconds }
    return usage.since(cpu: cpuBefore ?? 0)
  }

  /// Resets the peak resident size, by writing 5 (proc(5), /proc/pid/clear_refs); while calls leave it where it was, there is
  /// nothing to reset.
  private func resetPeakIfMoved() {
    let hasMoved = peakMoved || roomBytes.before != roomBytes.after
    if highWaterMark < 0 || !hasMoved { return }
    var five = UInt8(ascii: "5")
    // Refused by a hardened kernel: the peak is then that of the worker's life.
    _ = write(highWaterMark, &five, 1)
  }
}

private enum Answer: Sendable {
  case returned(WorkerReturn)
  case threw([UInt8])

  init(_ error: any Error) { self = .threw((error as? WorkerFailure)?.bytes ?? Array("\(error)".utf8)) }

  init(of body: () throws -> WorkerReturn) {
    do { self = .returned(try body()) } catch { self.init(error) }
  }
}

/// Where a call's task leaves its answer.
private final class AnswerBox: Sendable {
  private let state = Mutex<Answer?>(nil)
  func fill(_ answer: Answer) { state.withLock { $0 = answer } }
  var content: Answer? { state.withLock { $0 } }
  var isFull: Bool { state.withLock { $0 != nil } }
}
