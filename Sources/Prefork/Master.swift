// The master: forks acceptors, and then only waits for signals and children. It starts, restarts and stops them.
//
// It owns the seat table, the signals of its process, and its children. It must not know what HTTP, jobs or stores are,
// and starts no thread. What it decides is in SupervisorState; here is how it learns of things and what it does.

import CLinux
import ForkSafety
import Glibc

/// Runs the processes of a prefork server. Make one a process, call ``run()``, and end the process with what it
/// returns.
public final class Master {
  /// Shared with all acceptors; may be read before and while the master runs.
  public let table: SeatTable

  let plan: MasterPlan
  var state: SupervisorState
  /// The process in each seat, until it is reaped.
  var pids: [pid_t?]
  /// What acceptors of each generation run: an old generation keeps its own after a reload.
  var bodies: [Int: AcceptorBody]
  var exitCode: Int32?
  private var lastSweep = MonotonicTime.now
  /// Children that this process had before it ran: a script may start something and then execute the server in its own
  /// place. They are nobody's leftovers.
  private var inherited: Set<pid_t> = []

  /// Maps the shared memory and makes the eventfds. Before the first fork.
  public init(plan: MasterPlan) throws(PreforkError) {
    self.plan = plan
    table = try SeatTable()
    var limits = SupervisorState.Limits()
    limits.ready = plan.readyLimit
    limits.heartbeat = plan.heartbeatLimit
    state = SupervisorState(acceptors: plan.acceptors, drainLimit: plan.first.drainLimit, limits: limits)
    pids = Array(repeating: nil, count: SeatTable.capacity)
    bodies = [1: plan.first.run]
  }

  /// Serves until it is told to stop, and returns the exit status: 0 if it stopped as asked, 1 if it failed. No child
  /// is left then, other than what this process had before. The signals stay blocked, so that one that comes late does
  /// not end the process in another way.
  public func run() -> Int32 {
    defer { for listener in plan.listeners { listener.removeFile() } }
    let signals: SignalDescriptor
    do throws(PreforkError) {
      try SingleThreaded.check(before: plan.acceptorName)
      signals = try takeSignals()
    } catch {
      plan.log(.critical, "\(error)", [:])
      return 1
    }
    // What an acceptor leaves behind becomes this process's child, not init's.
    if linux_set_child_subreaper() != 0 {
      plan.log(.warning, "not a subreaper: \(String(cString: strerror(errno)))", [:])
    }
    inherited = Set(Strays.children())
    handle(.begin)
    while exitCode == nil {
      waitForEvent(signals)
      noticeHeartbeats()
      obeySignals(signals)
      reapChildren()
      handle(.tick)
      sweepStrays()
    }
    reapTheLast(signals)
    return exitCode ?? 1
  }

  /// The descriptor of all signals that the master obeys. A parent (a shell's `&`, nohup) may have left some ignored,
  /// and an ignored SIGCHLD would let children vanish unreaped: all get their default action back first.
  private func takeSignals() throws(PreforkError) -> SignalDescriptor {
    let numbers = MasterSignal.allCases.map(\.number) + [SIGCHLD]
    for number in numbers { signal(number, SIG_DFL) }
    // Standard error may be a pipe whose reader left.
    signal(SIGPIPE, SIG_IGN)
    return try SignalDescriptor(numbers)
  }

  // MARK: - The loop's steps

  private static let sweepEvery = Duration.seconds(10)
  /// A wait that ends this much too late says that the machine, or this process, stood still.
  private static let stoodStillAfter = Duration.seconds(5)

  private func waitForEvent(_ signals: SignalDescriptor) {
    var due = lastSweep + Self.sweepEvery
    if let deadline = state.nextDeadline { due = min(due, deadline) }
    var watched = [
      pollfd(fd: signals.fileDescriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: table.masterWakeDescriptor, events: Int16(POLLIN), revents: 0),
    ]
    let asleep = MonotonicTime.now
    let result = poll(&watched, nfds_t(watched.count), due.pollMilliseconds(from: asleep))
    precondition(result >= 0 || errno == EINTR, "poll failed with errno \(errno)")
    var count: UInt64 = 0
    _ = read(table.masterWakeDescriptor, &count, MemoryLayout<UInt64>.size)
    if MonotonicTime.now.since(max(due, asleep)) > Self.stoodStillAfter { handle(.stoodStill) }
  }

  /// Before children are reaped: one that was ready and died since has lived.
  private func noticeHeartbeats() {
    for seat in state.seats.indices {
      switch state.seats[seat].stage {
      case .starting:
        switch table.state(of: seat) {
        case .ready, .draining: handle(.ready(seat: seat))
        case .empty, .starting, .backingOff: break
        }
      case .ready: handle(.beat(seat: seat, at: table.heartbeat(of: seat)))
      case .empty, .leaving, .killed, .backingOff: break
      }
    }
  }

  private func obeySignals(_ signals: SignalDescriptor) {
    // SIGCHLD only wakes: children are looked for each time.
    for number in signals.pending() {
      if let signal = MasterSignal(number: number) { handle(.signal(signal)) }
    }
  }

  private func reapChildren() {
    var status: Int32 = 0
    var someAcceptorDied = false
    while true {
      let pid = waitpid(-1, &status, WNOHANG)
      guard pid > 0 else { break }
      guard let seat = pids.firstIndex(of: pid) else {
        // Its number may be given to a stray from now on.
        if inherited.remove(pid) != nil { continue }
        plan.log(.debug, "a process that an acceptor left behind has ended", ["pid": "\(pid)"])
        continue
      }
      someAcceptorDied = true
      pids[seat] = nil
      let end = ChildEnd(waitStatus: status)
      table.clear(seat)
      handle(.childExited(seat: seat, pid: pid, end, jitter: .random(in: 0...1)), died: true)
    }
    if someAcceptorDied { killStrays() }
  }

  private func sweepStrays() {
    if MonotonicTime.now.since(lastSweep) >= Self.sweepEvery { killStrays() }
  }

  private func killStrays() {
    lastSweep = .now
    for pid in Strays.kill(except: inherited.union(pids.compactMap { $0 })) {
      plan.log(.warning, "a process that an acceptor left behind is killed", ["pid": "\(pid)"])
    }
  }

  // MARK: - The end

  private static let lastLimit = Duration.seconds(5)
  private static let lastPauseMilliseconds: Int32 = 50

  /// Kills and reaps until there is no child left: killing one may bring its own children here.
  private func reapTheLast(_ signals: SignalDescriptor) {
    let deadline = MonotonicTime.now + Self.lastLimit
    while true {
      killStrays()
      var pid: pid_t
      repeat {
        pid = waitpid(-1, nil, WNOHANG)
        inherited.remove(pid)
      } while pid > 0
      // ECHILD: no child is left. Else those that were here before may be all.
      if pid < 0 || !inherited.isEmpty && inherited.isSuperset(of: Strays.children()) { return }
      guard MonotonicTime.now < deadline else {
        plan.log(.critical, "some processes cannot be killed, and are left behind", [:])
        exitCode = 1
        return
      }
      // SIGCHLD shortens the pause; its count is of no interest.
      var watched = pollfd(fd: signals.fileDescriptor, events: Int16(POLLIN), revents: 0)
      _ = poll(&watched, 1, Self.lastPauseMilliseconds)
      _ = signals.pending()
    }
  }
}
