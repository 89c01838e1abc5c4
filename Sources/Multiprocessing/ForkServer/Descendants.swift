import CLinux
import EventLoop
import Glibc

/// The processes below a child subreaper (prctl(2), PR_SET_CHILD_SUBREAPER): its children, and whoever they left behind.
enum Descendants {
  /// Children of the calling, single-threaded process, from /proc (proc(5), /proc/pid/task/tid/children); empty where the
  /// kernel was built without that file.
  static func children() -> [pid_t] {
    let descriptor = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { return [] }
    defer { close(descriptor) }
    var text: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
    defer { buffer.deallocate() }
    while true {
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      if count > 0 {
        text.append(contentsOf: buffer[..<count])
      } else if count == 0 || errno != EINTR {
        break
      }
    }
    return text.split(separator: UInt8(ascii: " ")).compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
  }

  /// Kills and reaps every descendant, those in `known` first with their groups; gives up after `limit` on ones that the
  /// kernel cannot end (uninterruptible sleep).
  static func endAll(known: some Sequence<pid_t>, within limit: Duration = .seconds(5)) {
    for pid in known {
      // Either may be gone already; what counts is that none is left below.
      kill(-pid, SIGKILL)
      kill(pid, SIGKILL)
    }
    let end = MonotonicClock.now + limit.nanosecondsClamped
    while true {
      for pid in children() { kill(pid, SIGKILL) }
      var reaped: pid_t
      repeat { reaped = linux_wait4(-1, nil, WNOHANG, nil) } while reaped > 0 || (reaped < 0 && errno == EINTR)
      if reaped < 0 || MonotonicClock.now > end { return }
      poll(nil, 0, 1)
    }
  }
}

/// A poll(2) on a socket and a signalfd: the whole waiting of the synchronous processes.
struct TwoWayWait {
  let socket: Int32
  let signals: Int32

  /// Waits until either is ready or the time is over; the signals are taken in and forgotten: what they mean is looked up.
  func wait(_ limit: Duration?) -> (socket: Bool, signals: Bool) {
    var watched = [
      pollfd(fd: socket, events: Int16(POLLIN), revents: 0), pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
    ]
    let milliseconds = limit.map { Int32(clamping: ($0.nanosecondsClamped + 999_999) / 1_000_000) } ?? -1
    if poll(&watched, 2, milliseconds) < 0 {
      if errno != EINTR { ChildBirth.fail("poll") }
      return (false, false)
    }
    if watched[1].revents != 0 {
      var taken = signalfd_siginfo()
      while read(signals, &taken, MemoryLayout<signalfd_siginfo>.size) > 0 {}
    }
    return (watched[0].revents != 0, watched[1].revents != 0)
  }
}
