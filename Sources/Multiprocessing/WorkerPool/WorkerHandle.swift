import CLinux
import EventLoop
import Glibc

/// A worker as its pool sees it: the ends of what they share, and what is known of its call.
@LoopActor
final class WorkerHandle {
  let number: UInt64
  let pid: pid_t
  let inheritedBytes: UInt64
  let bornAt = MonotonicClock.now
  private let socket: FrameSocket
  private let output: SharedFile
  private let pidfd: SharedFile
  private var memoryFile: SharedFile?
  private var isSocketWatched = false
  private var isOutputWatched = false
  private let board: TicketBoard
  private let tickets: TicketPage
  /// Bit by bit: the tickets that its calls have.
  private var usedTickets: UInt64 = 0
  /// Of the rooms that its results are in.
  private let views = RoomViews(hasTasks: true)
  private var messagesSent: UInt64 = 0
  private var answers: AnswerReader
  /// Messages that came through its socket, and were handed on.
  private var messagesHeard: UInt64 = 0
  /// One that came through its socket, while answers from before it may be in the ring.
  private var held: WorkerFrame?
  private(set) var isClosed = false
  /// It is among those whose answers are looked for.
  var isAwaited = false
  /// It talks nonsense or has closed its socket, and is being killed: nobody listens to it before it is dead.
  var isMute = false
  /// It is about to be buried: who buries it reads what it said last.
  var isDying = false

  /// The calls it has: the first is the one it runs.
  private(set) var queue: [CallRecord] = []
  var callBegan: UInt64 = 0
  /// The next message to it, while it is put together.
  var outbox = FrameWriter()
  /// A call has ended since its output was last read.
  var mayHaveStrayOutput = false
  /// CPU time at which the call's limit is reached, on the process's own clock; `nil`: it has none.
  private var cpuCeiling: UInt64?
  private(set) var crashReport: CrashReport?
  /// The end of the call's output, for a program's last words.
  private(set) var outputTail: [UInt8] = []

  /// One for all, and kept: it is needed at each answer, and malloc(3) tidies up its heap whenever that much is freed.
  private static let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
  /// Where answers are copied from the ring, one at a time.
  private static let answerBuffer = UnsafeMutableRawBufferPointer.allocate(
    byteCount: AnswerRing.longest, alignment: 16)
  /// Read before others have their turn.
  static let messagesAtOnce = 256
  /// Reads at one go: more than a pipe holds, so a quiet worker's output is all there; a noisy one takes turns.
  static let readsAtOnce = 16
  static let tailBytes = 16 * 1024

  init(_ newborn: Newborn, _ board: TicketBoard, page: Int) {
    self.board = board
    tickets = board.page(page)
    answers = AnswerReader(tickets.answers)
    number = newborn.worker
    pid = newborn.pid
    inheritedBytes = newborn.inheritedBytes
    socket = FrameSocket(newborn.socket)
    output = newborn.output
    pidfd = newborn.pidfd
  }

  func watch(
    onMessage: @escaping @LoopActor () -> Void, onOutput: @escaping @LoopActor () -> Void
  ) {
    EpollLoop.shared.watch(socket.descriptor, for: .readable) { _ in onMessage() }
    isSocketWatched = true
    EpollLoop.shared.watch(output.descriptor, for: .readable) { _ in onOutput() }
    isOutputWatched = true
  }

  /// Stops listening to its socket: at its end, it would be ready for ever.
  func stopListening() {
    if isSocketWatched { EpollLoop.shared.unwatch(socket.descriptor) }
    isSocketWatched = false
  }

  /// Stops everything; the descriptors are closed with the handle.
  func close() {
    stopListening()
    if isOutputWatched { EpollLoop.shared.unwatch(output.descriptor) }
    isOutputWatched = false
    crashReport?.close()
    views.leaveAll()
    isClosed = true
  }

  // MARK: - Calls

  /// The call it runs.
  var call: CallRecord? { queue.first }

  /// Appends a call to those it has. Its message must follow.
  func offer(_ record: CallRecord) {
    let ticket = (~usedTickets).trailingZeroBitCount
    usedTickets |= 1 << UInt64(ticket)
    tickets.offer(record.number, at: ticket)
    record.ticket = ticket
    queue.append(record)
  }

  /// True: it has not begun the call, and will not; the call is not its any more.
  func takeBack(_ record: CallRecord) -> Bool {
    guard let ticket = record.ticket, tickets.takeBack(record.number, at: ticket) else { return false }
    remove(record)
    return true
  }

  /// The call has ended.
  func remove(_ record: CallRecord) {
    guard let ticket = record.ticket else { return }
    // A loop and no closure: one that is isolated to the loop's actor has that checked each time it runs.
    var index = 0
    while index < queue.count, queue[index] !== record { index += 1 }
    if index == queue.count { return }
    queue.remove(at: index)
    usedTickets &= ~(1 << UInt64(ticket))
    record.ticket = nil
  }

  /// Its CPU time before the call it runs, as far as that is measured.
  var cpuBefore: UInt64 { tickets.cpuBefore }

  // MARK: - Talking

  /// Sends what is in the outbox; 0, or the errno.
  func flush(descriptors: [Int32] = []) -> Int32 {
    if queue.count == 1 {
      outputTail.removeAll(keepingCapacity: true)
      cpuCeiling = nil
    }
    defer { outbox.removeAll() }
    return send(outbox.bytes, descriptors)
  }

  /// Sends the pool's initializer, ahead of any call.
  func prepare(_ initializer: Preparation) {
    // A worker that cannot be sent it is dead, and will be reported so.
    _ = send(initializer.frame, initializer.descriptors)
  }

  private func send(_ message: [UInt8], _ descriptors: [Int32]) -> Int32 {
    let code = socket.send(message, descriptors: descriptors, waiting: false)
    messagesSent += 1
    tickets.messages = messagesSent
    return code
  }

  /// There is something to receive, of what is not announced by the socket.
  var hasAnswered: Bool { !isMute && (held != nil || !answers.isEmpty) }

  /// The loop is about to sleep: the next answer is to wake it. False: there is something to receive.
  func prepareToSleep() -> Bool { isMute || (held == nil && answers.prepareToSleep()) }

  /// Its next answer is to ring the bell.
  func listen() { answers.listen() }

  /// The loop is awake.
  func wake() { answers.wake() }

  /// What it says next, in the order in which it was said.
  ///
  /// - Parameter looksInSocket: even if nothing is known to be there.
  func receive(looksInSocket: Bool) -> Reception<WorkerFrame> {
    while true {
      switch answers.next(after: messagesHeard, into: Self.answerBuffer) {
      case .answer(let bytes):
        var frame = FrameReader(bytes)
        var descriptors = ReceivedDescriptors.none
        return WorkerFrame.take(from: &frame, &descriptors).map { .message($0) } ?? .garbled
      case .later:
        if let held = handOnHeld() { return .message(held) }
        let reception = receiveFromSocket()
        // It was sent before the answer was put into the ring, so it must be there.
        if case .empty = reception { return .garbled }
        messagesHeard += 1
        return reception
      case .garbled: return .garbled
      case .none:
        if let held = handOnHeld() { return .message(held) }
        guard looksInSocket else { return .empty }
        switch receiveFromSocket() {
        // An answer that is in the ring only now may still be from before the message.
        case .message(let frame): held = frame
        case .empty: return .empty
        // And so it is from before the end.
        case .closed: if answers.isEmpty { return .closed }
        case .garbled: if answers.isEmpty { return .garbled }
        }
      }
    }
  }

  private func handOnHeld() -> WorkerFrame? {
    guard let frame = held else { return nil }
    held = nil
    messagesHeard += 1
    return frame
  }

  private func receiveFromSocket() -> Reception<WorkerFrame> {
    let (board, tickets, views) = (board, tickets, views)
    return socket.receive(waiting: false) { frame, descriptors in
      let loan = RoomLoan(board: board, page: tickets, direction: .result, call: 0)
      return WorkerFrame.take(from: &frame, &descriptors, borrowing: loan, views: views)
    }
  }

  /// Notes that a call's argument, if it is in a room, is about to be sent.
  func lendArgument(of record: CallRecord) {
    record.payload.room?.lend(RoomLoan(board: board, page: tickets, direction: .argument, call: record.number))
  }

  func signal(_ signal: Int32) {
    // ESRCH: it is dead already, and will be reported so.
    _ = linux_pidfd_send_signal(pidfd.descriptor, signal)
  }

  /// Tells it to leave: its socket gives it end-of-file.
  func dismiss() {
    stopListening()
    shutdown(socket.descriptor, Int32(SHUT_RDWR))
  }

  // MARK: - Looking

  /// Hands on what it has written up to now.
  func readOutput(_ take: (UnsafeRawBufferPointer) -> Void) {
    let buffer = Self.readBuffer
    for _ in 0..<Self.readsAtOnce {
      let count = read(output.descriptor, buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      if count == 0, isOutputWatched {
        // It closed its output but lives on; an ended pipe would be ready for ever.
        EpollLoop.shared.unwatch(output.descriptor)
        isOutputWatched = false
      }
      if count <= 0 { return }
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      outputTail.append(contentsOf: bytes.suffix(Self.tailBytes))
      if outputTail.count > Self.tailBytes { outputTail.removeFirst(outputTail.count - Self.tailBytes) }
      take(bytes)
    }
  }

  /// Anonymous memory beyond what it was born with; `nil`: unknown, or it is gone.
  func grownBytes() -> UInt64? {
    if memoryFile == nil {
      let descriptor = open("/proc/\(pid)/statm", O_RDONLY | O_CLOEXEC)
      if descriptor < 0 { return nil }
      memoryFile = SharedFile(owning: descriptor)
    }
    guard let memoryFile, let status = MemoryStatus.read(memoryFile.descriptor) else { return nil }
    return status.anonymousBytes > inheritedBytes ? status.anonymousBytes - inheritedBytes : 0
  }

  // MARK: - CPU time

  var hasCPULimit: Bool { cpuCeiling != nil }

  /// Limits the CPU time of the call it begins with.
  func limitCPUTime(_ limit: Duration) {
    cpuCeiling = (cpuClock() ?? 0) &+ limit.nanosecondsClamped
  }

  func isOverCPULimit() -> Bool {
    guard let cpuCeiling, let used = cpuClock() else { return false }
    return used >= cpuCeiling
  }

  /// User and system time of the process's threads (clock_getcpuclockid(3)); `nil`: it is gone.
  private func cpuClock() -> UInt64? {
    var clock = clockid_t()
    var time = timespec()
    guard clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0 else { return nil }
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }

  func beganToCrash(signal: Int32, _ usage: WorkerUsage, backtrace: SharedFile?) {
    crashReport?.close()
    crashReport = CrashReport(signal: signal, usage: usage, pipe: backtrace)
  }
}
