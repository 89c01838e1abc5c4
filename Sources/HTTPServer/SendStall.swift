import CLinux
import Glibc

/// Measures how long a client has taken nothing of what waits to be sent.
struct SendStall {
  private var unsentBytes: Int32 = 0
  private var unchangedSince: UInt64 = 0

  mutating func lasts(_ descriptor: Int32, now: UInt64) -> UInt64 {
    var unsent: Int32 = 0
    // SIOCOUTQ, which is TIOCOUTQ: bytes that the peer has not acknowledged (tcp(7), unix(7)).
    guard ioctl(descriptor, UInt(TIOCOUTQ), &unsent) == 0, unsent > 0 else {
      unchangedSince = now
      return 0
    }
    if unsent != unsentBytes || unchangedSince == 0 {
      unsentBytes = unsent
      unchangedSince = now
    }
    return now - unchangedSince
  }
}
