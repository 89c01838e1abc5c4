import CLinux
import Glibc
import Prefork

/// One acceptor of the toy. What it does is its name: `obey`, and all the ways not to.
struct Life {
  let seat: AcceptorSeat
  let name: String
  /// A descriptor of the master that an acceptor must not have.
  let secret: Int32

  func run() -> Never {
    do {
      if name == "crash" { _exit(3) }
      if name == "orphan" { leaveOrphan() }
      // Must do nothing here: the file is the master's.
      for listener in seat.listeners { listener.removeFile() }
      let hasSecret = fcntl(secret, F_GETFD) >= 0
      let signals = try AcceptorSeat.signalDescriptor()
      if name == "unready" {
        say("unready")
      } else {
        // First, so that the master hears nothing before the test does.
        say("ready", ["secret": "\(hasSecret)", "command": command()])
        seat.markReady()
      }
      while true { turn(signals) }
    } catch {
      say("error", ["reason": "\(error)"])
      _exit(1)
    }
  }

  private func turn(_ signals: SignalDescriptor) {
    var watched = [
      pollfd(fd: signals.fileDescriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: seat.wakeDescriptor, events: Int16(POLLIN), revents: 0),
    ]
    _ = poll(&watched, 2, 20)
    if name != "hang" { seat.beat() }
    if watched[1].revents != 0 {
      seat.acknowledgeWake()
      if seat.isHousekeeper { keepHouse() }
    }
    for signal in signals.pending() { obey(signal) }
  }

  private func keepHouse() {
    let owners = seat.table.ownersNotToRescue()
    say("housekeeper", ["deaths": "\(seat.table.deathCount)", "spares_own": "\(owners.contains(seat.ownerNumber))"])
  }

  private func obey(_ signal: Int32) {
    let quick = signal == SIGQUIT
    if !quick { seat.markDraining() }
    say(quick ? "quitting" : "draining")
    switch name {
    case "deaf": return
    case "slow" where !quick: return
    default: _exit(0)
    }
  }

  /// A grandchild that no death signal reaches, and whose own parent has left.
  private func leaveOrphan() {
    let child = fork()
    if child == 0 {
      if fork() == 0 {
        say("orphan")
        while true { pause() }
      }
      _exit(0)
    }
    waitpid(child, nil, 0)
  }

  private func command() -> String {
    var bytes = [UInt8](repeating: 0, count: 64)
    let file = linux_open("/proc/self/comm", O_RDONLY, 0)
    let count = read(file, &bytes, bytes.count)
    close(file)
    return String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self)
  }

  private func say(_ what: String, _ more: [String: String] = [:]) {
    let mine = seat.table.snapshot(of: seat.index)
    let own = [
      "seat": "\(seat.index)", "generation": "\(seat.generation)", "pid": "\(getpid())",
      "owner": "\(seat.ownerNumber)", "restarts": "\(mine.restarts)",
    ]
    PreforkToy.say(what, own.merging(more) { $1 })
  }
}
