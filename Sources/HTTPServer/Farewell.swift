import CLinux
import EventLoop
import Glibc

/// A connection whose reply is written and which is closed in a moment: until then what the client still sends is read and
/// dropped, because closing a socket with unread bytes resets the connection, and the reset can destroy the reply before the
/// client has read it (RFC 9112, section 9.6).
@LoopActor
final class Farewell {
  private let descriptor: Int32
  private let done: @LoopActor (Farewell) -> Void
  private var remainingBytes: Int
  private var timer: TimerToken?

  /// Owns the descriptor from now on, and calls `done` when it is closed.
  init(_ descriptor: Int32, options: HTTPServerOptions, done: @escaping @LoopActor (Farewell) -> Void) {
    self.descriptor = descriptor
    self.done = done
    remainingBytes = options.lingerLimitBytes
    shutdown(descriptor, Int32(SHUT_WR))
    timer = EpollLoop.shared.schedule(after: options.lingerTimeout) { self.end() }
    EpollLoop.shared.watch(descriptor, for: .readable) { _ in self.drain() }
  }

  private func drain() {
    // A small buffer many times: this is nobody's fast path.
    let count = withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 16) { buffer in
      recv(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
    }
    if count < 0, errno == EAGAIN || errno == EINTR { return }
    remainingBytes -= max(count, 0)
    if count <= 0 || remainingBytes <= 0 { end() }
  }

  func end() {
    guard let timer else { return }
    self.timer = nil
    EpollLoop.shared.cancel(timer)
    EpollLoop.shared.unwatch(descriptor)
    close(descriptor)
    done(self)
  }
}
