import CLinux
import Glibc

/// Runs `body` in a forked child and waits for its end, for work that this process must not do itself because threads
/// or connections would stay behind (a schema migration). `body`'s value is the child's exit status.
///
/// The child has default signals, and descriptors 0, 1 and 2 only. When `limit` has passed it is killed. It is killed
/// too when this process ends.
public func runInChild(
  name: String, limit: Duration, body: () -> Int32
) throws(PreforkError) -> ChildEnd {
  let setup = ChildSetup(name: name, keeping: [], signals: .plain)
  let pid = try Fork.child(setup) {
    let code = body()
    fflush(nil)
    _exit(code)
  }
  // A pidfd, because SIGCHLD may belong to the master's own descriptor.
  let descriptor = linux_pidfd_open(pid)
  let code = errno
  defer { if descriptor >= 0 { close(descriptor) } }
  guard descriptor >= 0 else {
    _ = killAndReap(pid)
    throw .system(operation: "pidfd_open", code: code)
  }
  let deadline = MonotonicTime.now + limit
  while true {
    var watched = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let ready = poll(&watched, 1, deadline.pollMilliseconds(from: .now))
    if ready > 0 { return reap(pid) }
    if ready < 0 && errno != EINTR {
      let code = errno
      _ = killAndReap(pid)
      throw .system(operation: "poll", code: code)
    }
    if MonotonicTime.now >= deadline {
      // It may have ended by itself at the very limit; then what it did counts.
      let end = killAndReap(pid)
      return end == .signaled(SIGKILL) ? .killedAtLimit : end
    }
  }
}

private func killAndReap(_ pid: pid_t) -> ChildEnd {
  kill(pid, SIGKILL)
  return reap(pid)
}

/// The child has ended or was killed, so this waits no longer than the kernel needs to take it apart.
private func reap(_ pid: pid_t) -> ChildEnd {
  var status: Int32 = 0
  while waitpid(pid, &status, 0) < 0 {
    precondition(errno == EINTR, "a child of runInChild was reaped by somebody else")
  }
  return ChildEnd(waitStatus: status)
}
