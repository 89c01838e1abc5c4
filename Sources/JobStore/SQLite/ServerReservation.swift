import CLinux
import Glibc

/// One server a store. A server deals with every job that runs under an owner it does not know, and removes spool files that
/// no job names yet: two of them on one store would tear each other's jobs and files away.
///
/// The master holds it, from before the store is prepared until the process ends; the kernel gives it up for one that is
/// killed. Its children close the descriptor, which is why an acceptor that outlives the master holds up nobody.
public final class ServerReservation {
  private let descriptor: Int32

  /// Makes `.server` beside the database, and locks it (flock(2)).
  ///
  /// - Parameter patience: how long to wait for a server that is just ending.
  /// - Throws: ``StoreError`` of kind `unusable` where another server has the store, or the file cannot be made.
  public init(path: String, patience: Duration = .seconds(3)) throws(StoreError) {
    let file = path + ".server"
    let opened = linux_open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if opened < 0 { throw StoreError(.unusable, operation: "reserve", cause: "\(file): \(errnoText())") }
    let end = monotonicNanoseconds() + UInt64(patience / .nanoseconds(1))
    while flock(opened, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      if code == EINTR { continue }
      guard code == EWOULDBLOCK, monotonicNanoseconds() < end else {
        let reason = code == EWOULDBLOCK ? "another server uses it" : String(cString: strerror(code))
        close(opened)
        throw StoreError(.unusable, operation: "reserve", cause: "\(path): \(reason)")
      }
      usleep(20_000)
    }
    descriptor = opened
  }

  /// Whether a server has the store at this moment.
  public static func isHeld(path: String) -> Bool {
    let opened = linux_open(path + ".server", O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0)
    guard opened >= 0 else { return false }
    defer { close(opened) }
    // Shared, so that two who ask do not see each other; a server that starts now waits for us (`patience`).
    return flock(opened, LOCK_SH | LOCK_NB) != 0
  }

  deinit { close(descriptor) }
}
