import CLinux
import EventLoop
import Glibc

/// The floor: another process at the other end of a bare socket pair, which sends back what it gets.
final class EchoProcess {
  static let role = "echo"
  private static let messageBytes = 48

  private let descriptor: Int32
  private let pid: pid_t

  /// Starts this program once more, as the other end: a process with threads may not fork.
  init() {
    var ends: [Int32] = [-1, -1]
    check(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0, "no socket pair")
    check(linux_set_close_on_exec(ends[0], 1) == 0, "no close-on-exec")
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 3)
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("PoolBenchmark"), strdup(Self.role), nil]
    defer { for argument in arguments { free(argument) } }
    var pid: pid_t = 0
    check(posix_spawn(&pid, "/proc/self/exe", &actions, nil, &arguments, environ) == 0, "no echo process")
    close(ends[1])
    descriptor = ends[0]
    self.pid = pid
  }

  deinit {
    close(descriptor)
    _ = linux_wait4(pid, nil, 0, nil)
  }

  /// The other end's life: until end-of-file.
  static func run() -> Never {
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: 256, alignment: 8)
    while true {
      let count = recv(3, buffer, 256, 0)
      if count <= 0 { _exit(0) }
      send(3, buffer, count, Int32(MSG_NOSIGNAL))
    }
  }

  /// Nanoseconds of each of so many round trips, one at a time.
  func roundTrips(_ count: Int) -> [Double] {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { buffer in
      (0..<count).map { _ in
        let began = MonotonicClock.now
        exchange(buffer)
        return Double(MonotonicClock.now - began)
      }
    }
  }

  /// Seconds for so many messages there and back, with up to `window` on their way.
  func pipelined(_ count: Int, window: Int) -> Double {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { buffer in
      let began = MonotonicClock.now
      var sent = 0
      for received in 0..<count {
        while sent < count, sent - received < window {
          check(send(descriptor, buffer.baseAddress, Self.messageBytes, 0) == Self.messageBytes, "no echo")
          sent += 1
        }
        check(recv(descriptor, buffer.baseAddress, buffer.count, 0) == Self.messageBytes, "no echo")
      }
      return Double(MonotonicClock.now - began) / 1e9
    }
  }

  private func exchange(_ buffer: UnsafeMutableRawBufferPointer) {
    check(send(descriptor, buffer.baseAddress, Self.messageBytes, 0) == Self.messageBytes, "no echo")
    check(recv(descriptor, buffer.baseAddress, buffer.count, 0) == Self.messageBytes, "no echo")
  }
}
